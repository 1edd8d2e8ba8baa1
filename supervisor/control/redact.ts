// A configuration that may be shown: whatever may be a secret is not in it.
import type { Release } from '../releases.js';

const HIDDEN = '[hidden]';
const secretive = /pass|secret|token|key|auth|credential/i;

/** Of the environment only the names; of an address that is told of incidents the host; of arguments, those that call themselves secret and those that follow them lose their value. */
export const redacted = (config: Release): object => ({
  ...config,
  inherited: undefined,
  args: hidden(config.args),
  nodeArgs: hidden(config.nodeArgs),
  before: { ...config.before, command: hidden(config.before.command) },
  hooks: { ...config.hooks, onIncident: hook(config.hooks.onIncident) },
  env: Object.fromEntries(Object.keys(config.env).map((name) => [name, HIDDEN])),
});

export const hidden = (args: readonly string[]): string[] =>
  args.map((text, i) => {
    const [name = ''] = text.split('=', 1);
    if (text.startsWith('-') && text.includes('=')) return secretive.test(name) ? `${name}=${HIDDEN}` : text;
    const before = args[i - 1] ?? '';
    return before.startsWith('-') && !before.includes('=') && secretive.test(before) ? HIDDEN : hideLogin(text);
  });

/** Whoever knows the whole address of a webhook may post to it: its host is enough to know it by. */
function hook(told: string | readonly string[] | undefined): string | readonly string[] | undefined {
  if (typeof told !== 'string') return told && hidden(told);
  const { origin, pathname, search, hash } = new URL(told);
  return pathname + search + hash === '/' ? origin : `${origin}/${HIDDEN}`;
}

/** `postgres://user:password@host/` */
const hideLogin = (text: string): string => text.replace(/(\w:\/\/[^/:@\s]*):[^@/\s]+@/g, `$1:${HIDDEN}@`);
