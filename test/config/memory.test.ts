import test from 'ava';
import { grantedHeap, grantedMemory } from '../../config/memory.js';

const files = (all: Readonly<Record<string, string>>) => (file: string) => all[file];
const total = 8 * 1024 ** 3;

test('the tightest memory limit of a cgroup and those above it holds (version 2)', (t) => {
  const read = files({
    '/proc/self/cgroup': '0::/app/worker\n',
    '/sys/fs/cgroup/app/worker/memory.max': 'max\n',
    '/sys/fs/cgroup/app/memory.max': '536870912\n',
  });
  t.is(grantedMemory(read, total), 512 * 1024 ** 2);
});

test("where all are made to wait counts as a limit, as does one that is the namespace's own root (version 2)", (t) => {
  const own = '/sys/fs/cgroup';
  const group = { '/proc/self/cgroup': '0::/\n' };
  const high = files({ ...group, [`${own}/memory.max`]: '536870912\n', [`${own}/memory.high`]: '268435456\n' });
  t.is(grantedMemory(high, total), 256 * 1024 ** 2);
  const max = files({ ...group, [`${own}/memory.max`]: '536870912\n', [`${own}/memory.high`]: 'max\n' });
  t.is(grantedMemory(max, total), 512 * 1024 ** 2);
  const none = files({ ...group, [`${own}/memory.max`]: 'max\n', [`${own}/memory.high`]: 'max\n' });
  t.is(grantedMemory(none, total), total);
});

test('a limit holds that a group above has, and one that only the root of the mount shows (version 1)', (t) => {
  const group = { '/proc/self/cgroup': '4:memory:/docker/x\n' };
  const of = (folder: string) =>
    files({ ...group, [`/sys/fs/cgroup/memory${folder}/memory.limit_in_bytes`]: '268435456\n' });
  for (const folder of ['', '/docker', '/docker/x']) t.is(grantedMemory(of(folder), total), 256 * 1024 ** 2);
});

test('where both versions are mounted, each has its own controllers', (t) => {
  const group = { '/proc/self/cgroup': '3:cpu:/a\n0::/a\n' };
  t.is(
    grantedMemory(files({ ...group, '/sys/fs/cgroup/unified/a/memory.max': '268435456\n' }), total),
    256 * 1024 ** 2,
  );
});

const at = (limit: string) =>
  files({ '/proc/self/cgroup': '3:memory:/app\n', '/sys/fs/cgroup/memory/app/memory.limit_in_bytes': limit });

test('a limit of version 1 holds, and its way to say "none" is none', (t) => {
  t.is(grantedMemory(at('268435456\n'), total), 256 * 1024 ** 2);
  t.is(grantedMemory(at('9223372036854771712\n'), total), total);
});

test('without a cgroup it is what the machine has', (t) => {
  t.is(
    grantedMemory(() => undefined, total),
    total,
  );
});

test('each worker gets its share for a heap where a cgroup limits memory, and none where nothing does', (t) => {
  const limited = at(String(1024 ** 3));
  t.is(grantedHeap(1, limited, total), 768);
  t.is(grantedHeap(4, limited, total), 192);
  t.is(grantedHeap(100, limited, total), 64, 'below that no program runs');
  t.is(
    grantedHeap(4, () => undefined, total),
    undefined,
  );
});
