// A command as a user types it, to the fleet of a test.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { ExecutionContext } from 'ava';
import { type Fleet, main, root } from './fleet.js';

export interface Said {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The environment in which commands find the fleets of one test, and no others. */
export const within = (runtime: string, env: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  ...process.env,
  RUNTIME_DIRECTORY: undefined,
  FORCE_COLOR: undefined,
  TMPDIR: runtime,
  XDG_RUNTIME_DIR: runtime,
  ...env,
});

/** Runs it to its end. */
export function cordon(
  t: ExecutionContext,
  { runtime }: Pick<Fleet, 'runtime'>,
  words: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Said> {
  const { child, said } = run(runtime, words, env);
  t.teardown(() => void child.kill('SIGKILL'));
  return said;
}

/** In the background a supervisor outlives whoever started it. */
export async function stopAll(runtime: string): Promise<void> {
  await run(runtime, ['stop', '--now']).said;
}

function run(
  runtime: string,
  words: readonly string[],
  env: NodeJS.ProcessEnv = {},
): { readonly child: ChildProcess; readonly said: Promise<Said> } {
  const child = spawn(process.execPath, [main, ...words], { cwd: root, env: within(runtime, env), stdio: 'pipe' });
  child.stdin.end();
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const said = once(child, 'close').then(([code]) => ({ code: code as number | null, out, err }));
  return { child, said };
}

/** The one JSON document that it printed. */
export async function ask<Reply>(
  t: ExecutionContext,
  fleet: Pick<Fleet, 'runtime'>,
  words: readonly string[],
): Promise<Reply> {
  const { out, err } = await cordon(t, fleet, [...words, '--json']);
  if (out === '') throw new Error(`cordon ${words.join(' ')} printed nothing:\n${err}`);
  return JSON.parse(out) as Reply;
}
