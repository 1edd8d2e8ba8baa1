// The same program in two worlds: under cordon, and under plain node:cluster. What it says it sees is compared.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { ExecutionContext } from 'ava';
import { fixture, startFleet } from './fleet.js';

/** One `seen {…}` line of a worker's. */
export interface Seen {
  readonly worker: number;
  readonly [field: string]: unknown;
}

const seen = (line: string): Seen[] =>
  line.startsWith('seen {') ? [JSON.parse(line.slice('seen '.length)) as Seen] : [];
const WORKERS = 2;

/** Until both workers have said `seen all`. */
export async function underCordon(
  t: ExecutionContext,
  script: string,
  args: readonly string[],
  cwd: string,
): Promise<Seen[]> {
  const fleet = startFleet(t, [fixture(script), '-w', String(WORKERS), '--', ...args], { cwd });
  await fleet.line(() => fleet.lines.filter(({ msg }) => msg === 'seen all').length === WORKERS);
  return fleet.lines.flatMap(({ msg }) => seen(msg));
}

export async function underPlainCluster(
  t: ExecutionContext,
  script: string,
  args: readonly string[],
  cwd: string,
): Promise<Seen[]> {
  const primary = spawn(process.execPath, [fixture('sockets/plain-cluster.mjs'), fixture(script), ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const over = once(primary, 'exit');
  t.teardown(async () => {
    primary.kill('SIGTERM');
    await over;
  });
  const said: Seen[] = [];
  let left = WORKERS;
  for await (const line of createInterface({ input: primary.stdout })) {
    said.push(...seen(line));
    if (line === 'seen all' && --left === 0) return said;
  }
  throw new Error('the plain cluster ended before its workers had seen all');
}
