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
