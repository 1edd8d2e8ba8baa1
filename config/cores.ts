// How many cores this process may really use. Node counts the machine's, or its affinity's; a container's quota is in the
// cgroup, and on Node 20 nobody else reads it.
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type Group, groupsOf, type Read, readText } from './cgroup.js';

/** Whole cores, at least one: with a quota of 1.5, a second worker would spend half its time throttled. */
export const grantedCores = (read: Read = readText, parallelism: number = availableParallelism()): number =>
  Math.max(1, Math.floor(granted(read, parallelism)));

/** That so many workers are a quota that was rounded, for the log; nothing where they are not. */
export function roundedWords(
  workers: number,
  read: Read = readText,
  parallelism: number = availableParallelism(),
): string {
  const cores = granted(read, parallelism);
  if (Number.isInteger(cores) || workers !== grantedCores(read, parallelism)) return '';
  return ` (the cgroup grants ${Number(cores.toFixed(2))} cores; a worker is a whole one)`;
}

const granted = (read: Read, parallelism: number): number =>
  Math.min(parallelism, ...groupsOf('cpu', read).map((group) => quotaOf(group, read)));

/** `cpu.max` says `max 100000` or `150000 100000`; in version 1 a quota of -1 is none. */
function quotaOf({ version, folder }: Group, read: Read): number {
  const [quota, period] =
    version === 2
      ? (read(join(folder, 'cpu.max'))?.trim().split(' ') ?? [])
      : ['cpu.cfs_quota_us', 'cpu.cfs_period_us'].map((file) => read(join(folder, file))?.trim());
  const cores = Number(quota) / Number(period);
  return cores > 0 ? cores : Infinity;
}
