// A command as a user types it, to the fleet of a test.
import { spawn } from 'node:child_process';
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
export async function cordon(
  t: ExecutionContext,
  { runtime }: Pick<Fleet, 'runtime'>,
  words: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Said> {
  const child = spawn(process.execPath, [main, ...words], { cwd: root, env: within(runtime, env), stdio: 'pipe' });
  t.teardown(() => void child.kill('SIGKILL'));
  child.stdin.end();
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, out, err };
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
