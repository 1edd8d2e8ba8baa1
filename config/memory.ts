// How much memory this process and its workers may use together.
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { groupsOf, type Read, readText } from './cgroup.js';

/** Of a worker's share of memory; the rest is for buffers, code and stacks. */
const HEAP_SHARE = 0.75;
/** V8 chooses no larger one by itself. */
const LARGEST_MB = 4096;
const SMALLEST_MB = 64;
const MB = 1024 ** 2;

/** Past `memory.high` nobody is killed, but everybody is made to wait: it is no memory to be used. */
const LIMITS = { 1: ['memory.limit_in_bytes'], 2: ['memory.max', 'memory.high'] } as const;

/** In bytes: the tightest limit of the cgroup, at most what the machine has. */
export function grantedMemory(read: Read = readText, total: number = totalmem()): number {
  const limits = groupsOf('memory', read).flatMap(({ version, folder }) =>
    LIMITS[version].map((file) => Number(read(join(folder, file))?.trim())),
  );
  return Math.min(total, ...limits.filter((limit) => limit > 0));
}

/**
 * The heap that each of so many workers may have, in MB; undefined where no cgroup limits memory. V8 by itself takes each process
 * for the only one in its cgroup.
 */
export function grantedHeap(workers: number, read: Read = readText, total: number = totalmem()): number | undefined {
  const granted = grantedMemory(read, total);
  if (granted >= total) return undefined;
  return Math.min(LARGEST_MB, Math.max(SMALLEST_MB, Math.floor((granted * HEAP_SHARE) / workers / MB)));
}
