// Two configurations, and what it takes to get from the one to the other. Pure; no value of `env` is in what comes out.
import { isDeepStrictEqual } from 'node:util';
import { addressWords } from './address.js';
import { type ConfigKey, type Takes, takes } from './change.js';
import type { Config } from './config.js';
import { inWords } from './duration.js';
import { getAt } from './tree.js';

export interface Change {
  /** As the operator writes it: `fault.killTimeout`, `env.TOKEN`. */
  readonly key: string;
  readonly takes: Takes;
  /** In words; undefined where there was nothing, and for variables. */
  readonly from: string | undefined;
  /** In words; undefined where nothing is left, and for variables. */
  readonly to: string | undefined;
  readonly what: 'added' | 'removed' | 'changed';
}

/** Apps are the same where their name is. */
export type AppDifference =
  | { readonly app: string; readonly what: 'added' | 'removed' | 'same' }
  | { readonly app: string; readonly what: 'changed'; readonly takes: Takes; readonly changes: readonly Change[] };

/** In the order of `after`; what was removed comes last. One app on each side is the same app, under whatever name. */
export function compare(before: readonly Config[], after: readonly Config[]): readonly AppDifference[] {
  const alone = before.length === 1 && after.length === 1;
  const former = (app: Config): Config | undefined =>
    alone ? before[0] : before.find(({ name }) => name === app.name);
  const removed = alone ? [] : before.filter(({ name }) => !after.some((app) => app.name === name));
  return [
    ...after.map((app): AppDifference => {
      const old = former(app);
      return old === undefined ? { app: app.name, what: 'added' } : compareApp(old, app);
    }),
    ...removed.map(({ name }): AppDifference => ({ app: name, what: 'removed' })),
  ];
}

function compareApp(before: Config, after: Config): AppDifference {
  const changes = [
    ...(Object.keys(takes) as ConfigKey[])
      .filter((key) => key !== 'env')
      .flatMap((key) => compareKey(key, before, after)),
    ...compareVariables(before.env, after.env),
  ];
  if (changes.length === 0) return { app: after.name, what: 'same' };
  return { app: after.name, what: 'changed', takes: most(changes), changes };
}

function compareKey(key: ConfigKey, before: Config, after: Config): Change[] {
  const [from, to] = [before, after].map((config) => getAt(config, key.split('.')));
  if (isDeepStrictEqual(from, to)) return [];
  const change = { key: key.replace(/Ms$/, ''), takes: taking(key, before, after), what: 'changed' } as const;
  return [{ ...change, from: words(key, from), to: words(key, to) }];
}

/** One more address is bound in passing; one that is given up may still be listened on. */
const taking = (key: ConfigKey, { listen: had }: Config, { listen: has }: Config): Takes =>
  key === 'listen' && had.every((address) => has.some((other) => isDeepStrictEqual(address, other)))
    ? 'reload'
    : takes[key];

function words(key: ConfigKey, value: unknown): string {
  // It may hold a secret.
  if (key === 'hooks.onIncident' && typeof value === 'string') return 'an address';
  if (key.endsWith('Ms')) return inWords(Number(value));
  // An address that is told of incidents often has a secret in it.
  if (key === 'hooks.onIncident') return value === undefined ? 'none' : 'another one';
  if (key !== 'listen' && key !== 'agent.listen') return JSON.stringify(value) ?? 'none';
  const addresses = value as Config['listen'];
  return addresses.map(addressWords).join(' ') || 'none';
}

function compareVariables(before: Config['env'], after: Config['env']): Change[] {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].toSorted();
  return names.flatMap((name) => {
    const [had, has] = [Object.hasOwn(before, name), Object.hasOwn(after, name)];
    if (had && has && before[name] === after[name]) return [];
    const what = had && has ? 'changed' : has ? 'added' : 'removed';
    return [{ key: `env.${name}`, takes: takes.env, what, from: undefined, to: undefined }];
  });
}

/** What all the changes together take: the most that one of them takes. */
const most = (changes: readonly Change[]): Takes =>
  (['restart', 'reload', 'live'] as const).find((one) => changes.some((change) => change.takes === one)) ?? 'live';
