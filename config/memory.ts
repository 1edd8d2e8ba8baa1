// How much memory this process and its workers may use together.
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { groupsOf, type Read, readText } from './cgroup.js';

/** In bytes: the tightest limit of the cgroup, at most what the machine has. */
export function grantedMemory(read: Read = readText, total: number = totalmem()): number {
  const limits = groupsOf('memory', read).map(({ version, folder }) =>
    Number(read(join(folder, version === 2 ? 'memory.max' : 'memory.limit_in_bytes'))?.trim()),
  );
  return Math.min(total, ...limits.filter((limit) => limit > 0));
}
