import test from 'ava';
import { grantedCores, roundedWords } from '../../config/cores.js';

const machine = (files: Record<string, string>) => (file: string) => files[file];

test('without a quota, every core is granted', (t) => {
  t.is(grantedCores(machine({}), 8), 8);
  t.is(grantedCores(machine({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': 'max 100000\n' }), 8), 8);
});

test('a container of version 2 grants its quota', (t) => {
  const files = { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '200000 100000\n' };
  t.is(grantedCores(machine(files), 8), 2);
});

test('the tightest group on the way up holds', (t) => {
  const files = {
    '/proc/self/cgroup': '0::/system.slice/api.service\n',
    '/sys/fs/cgroup/system.slice/cpu.max': '300000 100000\n',
    '/sys/fs/cgroup/system.slice/api.service/cpu.max': 'max 100000\n',
  };
  t.is(grantedCores(machine(files), 8), 3);
});

test('a group of version 1 grants its quota, whatever its controllers are called', (t) => {
  const quota = { 'cpu.cfs_quota_us': '400000\n', 'cpu.cfs_period_us': '100000\n' };
  for (const folder of ['/sys/fs/cgroup/cpu,cpuacct', '/sys/fs/cgroup/cpu']) {
    const files = Object.entries(quota).map(([file, text]) => [`${folder}/${file}`, text]);
    const groups = ['/proc/self/cgroup', '5:memory:/docker/x\n4:cpu,cpuacct:/docker/x\n'];
    t.is(grantedCores(machine(Object.fromEntries([groups, ...files])), 8), 4);
  }
});

test('a container that is told its place on the machine, and sees only its own groups, grants its quota', (t) => {
  const version1 = { 'cpu.cfs_quota_us': '150000\n', 'cpu.cfs_period_us': '50000\n' };
  const files = Object.entries(version1).map(([file, text]) => [`/sys/fs/cgroup/cpu/${file}`, text]);
  const groups = ['/proc/self/cgroup', '2:cpuacct:/docker/x\n1:cpu:/docker/x\n0::/docker/x\n'];
  t.is(grantedCores(machine(Object.fromEntries([groups, ...files])), 8), 3);
  t.is(
    grantedCores(machine({ '/proc/self/cgroup': '0::/docker/x\n', '/sys/fs/cgroup/cpu.max': '400000 200000\n' }), 8),
    2,
  );
});

test('a quota of version 1 of -1 is none', (t) => {
  const files = {
    '/proc/self/cgroup': '4:cpu:/\n',
    '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
    '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
  };
  t.is(grantedCores(machine(files), 8), 8);
});

test('half a core is still one worker, and one and a half are no two', (t) => {
  for (const max of ['50000 100000', '150000 100000']) {
    t.is(grantedCores(machine({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': max }), 8), 1);
  }
});

const of = (max: string) => machine({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': `${max}\n` });

test('that a quota was rounded is said, and only where it was', (t) => {
  t.is(roundedWords(1, of('150000 100000'), 8), ' (the cgroup grants 1.5 cores; a worker is a whole one)');
  t.is(roundedWords(1, of('33333 100000'), 8), ' (the cgroup grants 0.33 cores; a worker is a whole one)');
  t.is(roundedWords(3, of('150000 100000'), 8), '', 'somebody has said how many');
  t.is(roundedWords(2, of('200000 100000'), 8), '');
  t.is(roundedWords(8, of('max 100000'), 8), '');
});
