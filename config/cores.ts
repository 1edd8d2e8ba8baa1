// How many cores this process may really use. Node counts the machine's, or its affinity's; a container's quota is in the
// cgroup, and on Node 20 nobody else reads it.
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';

/** The text of a file; undefined where it cannot be read. */
export type Read = (file: string) => string | undefined;

const readText: Read = (file) => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
};

/** Whole cores, at least one: with a quota of 1.5, a second worker would spend half its time throttled. */
export function grantedCores(read: Read = readText, parallelism: number = availableParallelism()): number {
  const groups = (read('/proc/self/cgroup') ?? '').split('\n');
  return Math.max(1, Math.floor(Math.min(parallelism, ...groups.map((line) => quotaOf(line, read)))));
}

/** `0::/a/b` is version 2; `4:cpu,cpuacct:/a/b` is version 1. The tightest of a group and all those above it holds. */
function quotaOf(line: string, read: Read): number {
  const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
  if (controllers === undefined || path === undefined) return Infinity;
  if (controllers === '') return Math.min(...upwards(path).map((at) => quotaV2(join('/sys/fs/cgroup', at), read)));
  if (!controllers.split(',').includes('cpu')) return Infinity;
  const roots = [`/sys/fs/cgroup/${controllers}`, '/sys/fs/cgroup/cpu'];
  return Math.min(...roots.flatMap((root) => upwards(path).map((at) => quotaV1(join(root, at), read))));
}

/** A group and those above it. Inside a container the upper ones may be all that is mounted. */
const upwards = (path: string): string[] => (path === '/' ? ['/'] : [path, ...upwards(dirname(path))]);

/** `cpu.max` says `max 100000` or `150000 100000`. */
const quotaV2 = (folder: string, read: Read): number =>
  ratio(...(read(join(folder, 'cpu.max'))?.trim().split(' ') ?? []));

/** A quota of -1 is none. */
const quotaV1 = (folder: string, read: Read): number =>
  ratio(read(join(folder, 'cpu.cfs_quota_us'))?.trim(), read(join(folder, 'cpu.cfs_period_us'))?.trim());

function ratio(quota?: string, period?: string): number {
  const cores = Number(quota) / Number(period);
  return cores > 0 ? cores : Infinity;
}
