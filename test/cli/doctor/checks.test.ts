// What the doctor says of a machine, from facts.
import test from 'ava';
import { examine, type Facts, type Finding } from '../../../cli/doctor/checks.js';

const MB = 1024 * 1024;
const sound: Facts = {
  node: '24.11.0',
  descriptors: 65_536,
  processes: 30_000,
  somaxconn: 4096,
  cores: 4,
  parallelism: 4,
  memory: 8192 * MB,
  machineMemory: 8192 * MB,
  swap: 0,
  swapUsed: 0,
  clock: Date.UTC(2026, 5),
  pid: 4711,
  init: 'systemd',
  container: false,
  runtime: { folder: '/run/user/1000' },
  nodeOptions: '',
  inspector: true,
  systemd: 257,
  keepAliveMs: 65_000,
  proxyKeepAliveMs: 60_000,
};

const of = (facts: Partial<Facts>, about: string): Finding | undefined =>
  examine({ ...sound, ...facts }).find((finding) => finding.about === about);

test('a sound machine gets no advice', (t) => {
  t.deepEqual(
    examine(sound).filter(({ level }) => level !== 'ok'),
    [],
  );
});

test('what a system does not tell is not judged', (t) => {
  const { descriptors: _, processes: __, somaxconn: ___, swap: ____, init: _____, systemd: ______, ...silent } = sound;
  t.deepEqual(
    examine(silent).filter(({ level }) => level !== 'ok'),
    [],
  );
  t.is(examine(silent).length, examine(sound).length - 6);
});

const cases: readonly (readonly [about: string, facts: Partial<Facts>, level: Finding['level'], advice: RegExp])[] = [
  ['Node', { node: '18.20.8' }, 'problem', /needs Node 20\.19/],
  ['Node', { node: '20.18.9' }, 'problem', /needs Node 20\.19/],
  ['Node', { node: '25.1.0' }, 'note', /even one/],
  ['open files', { descriptors: 1024 }, 'warning', /ulimit -n/],
  ['processes', { processes: 64 }, 'warning', /TasksMax/],
  ['backlog', { somaxconn: 128 }, 'warning', /net\.core\.somaxconn/],
  ['cores', { cores: 1, parallelism: 8 }, 'note', /rounded down/],
  ['memory', { memory: 256 * MB }, 'warning', /--workers/],
  ['swap', { swap: 2048 * MB, swapUsed: 1024 * MB }, 'warning', /garbage collection/],
  ['clock', { clock: 0 }, 'warning', /NTP/],
  ['process 1', { pid: 1 }, 'warning', /--init/],
  ['process 1', { container: true, init: 'sh' }, 'warning', /--init/],
  [
    'runtime folder',
    { runtime: { folder: '/run/x', problem: 'You may not write there.' } },
    'problem',
    /control socket/,
  ],
  ['processes', { tasks: 64 }, 'warning', /--pids-limit/],
  ['clock', { synchronized: false }, 'note', /NTP/],
  ['inspector', { inspector: false }, 'note', /stuck worker/],
  ['inspector', { nodeOptions: '--disable-sigusr1' }, 'note', /stuck worker/],
  ['inspector', { nodeOptions: '--inspect=0.0.0.0' }, 'warning', /Take it out/],
  ['systemd', { systemd: 252 }, 'note', /253/],
  ['proxy', { keepAliveMs: 5000 }, 'problem', /502.*keepAliveTimeout above 60000 ms/],
];

for (const [about, facts, level, advice] of cases)
  test(`${about}: ${JSON.stringify(facts)} is a ${level}, and says what to do`, (t) => {
    const finding = of(facts, about);
    t.is(finding?.level, level);
    t.regex(finding?.advice ?? '', advice);
  });
