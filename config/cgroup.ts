// Where the limits of the group of processes stand that this one belongs to. The tightest of a group and all those above it holds.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The text of a file; undefined where it cannot be read. */
export type Read = (file: string) => string | undefined;

export const readText: Read = (file) => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
};

export interface Group {
  readonly version: 1 | 2;
  readonly folder: string;
}

/** The second where both versions are mounted: a controller that version 1 does not have is there. */
const UNIFIED = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'];

/** `0::/a/b` is version 2; `4:cpu,cpuacct:/a/b` is version 1. */
export function groupsOf(controller: 'cpu' | 'memory' | 'pids', read: Read): Group[] {
  return (read('/proc/self/cgroup') ?? '').split('\n').flatMap((line): Group[] => {
    const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) return [];
    if (controllers === '')
      return UNIFIED.flatMap((root) => upwards(path).map((at): Group => ({ version: 2, folder: join(root, at) })));
    if (!controllers.split(',').includes(controller)) return [];
    const roots = [`/sys/fs/cgroup/${controllers}`, `/sys/fs/cgroup/${controller}`];
    return roots.flatMap((root) => upwards(path).map((at): Group => ({ version: 1, folder: join(root, at) })));
  });
}

/** A group and those above it. Inside a container the upper ones may be all that is mounted. */
const upwards = (path: string): string[] => (path === '/' ? ['/'] : [path, ...upwards(dirname(path))]);
