// Whether processes are still there, as the system sees it.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Fleet } from './fleet.js';
import { until } from './until.js';

/** A process that has ended and waits to be reaped counts as gone. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return process.platform !== 'linux';
  }
}

/** Stops a process, and resolves when it stands still. */
export async function halted(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  await until(`process ${pid} stands still`, () => /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')), 5);
}

/** Resolves when none of them is alive any more. */
export async function gone(pids: readonly number[], withinMs = 20_000): Promise<void> {
  const end = performance.now() + withinMs;
  for (let left = pids.filter(isAlive); left.length > 0; left = left.filter(isAlive)) {
    if (performance.now() > end) throw new Error(`still alive after ${withinMs} ms: ${left.join(', ')}`);
    await sleep(20);
  }
}

/** Of every worker that the log has named. */
export const workersOf = (fleet: Fleet): number[] => [
  ...new Set(fleet.lines.flatMap(({ pid, worker }) => (worker !== undefined && pid !== undefined ? [pid] : []))),
];
