import test from 'ava';
import type { Config } from '../../config/config.js';
import { type Change, compare } from '../../config/diff.js';

const config: Config = {
  name: 'api',
  script: '/srv/server.js',
  args: [],
  cwd: '/srv',
  nodeArgs: [],
  env: { A: '1', B: '2' },
  secrets: [],
  workers: 2,
  listen: [],
  control: { socket: undefined, mode: 0o600, readers: undefined, watchConfig: false },
  metrics: { listen: [] },
  standby: 0,
  ready: { on: 'listening', timeoutMs: 30_000, quorum: 'all' },
  before: { command: [], timeoutMs: 600_000 },
  boot: { concurrency: 2 },
  reload: { surge: 1, canary: false, bakeMs: 30_000, maxErrorRatio: 2, rollback: true },
  health: { beatMs: 1000, hangMs: 10_000, onHang: 'free' },
  limits: { memory: undefined, heap: undefined, requests: undefined, lifetimeMs: undefined, jitter: 0.1 },
  fault: { killTimeoutMs: 30_000 },
  restart: {
    backoff: { minMs: 100, maxMs: 30_000, factor: 2, jitter: 0.2 },
    intensity: { restarts: 10, withinMs: 60_000 },
    giveUp: undefined,
  },
  handOver: true,
  balance: true,
  stop: { timeoutMs: 30_000, lingerMs: 5_000, delayMs: 0, closeSpreadMs: 5_000, drain: 'requests', signal: undefined },
  logs: {
    mode: 'pipe',
    format: 'json',
    level: 'info',
    file: undefined,
    rotate: { size: undefined, keep: 5 },
    access: false,
    accessFile: undefined,
  },
  errors: { dir: undefined, keepMs: 60_000, redact: [] },
  recycle: { schedule: undefined, timeZone: undefined },
  watch: { program: false, paths: [], ignore: [], debounceMs: 150, release: undefined },
  user: undefined,
  group: undefined,
  agent: { listen: [] },
  registry: {
    address: '',
    weight: 100,
    etcd: {
      endpoints: [],
      prefix: '/services',
      ttlMs: 15_000,
      user: undefined,
      passwordFile: undefined,
      ca: undefined,
      cert: undefined,
      key: undefined,
    },
  },
  hooks: { onIncident: undefined },
  pidFile: undefined,
  after: [],
};

const changesTo = (over: Partial<Config>): readonly Change[] => {
  const [difference] = compare([config], [{ ...config, ...over }]);
  return difference?.what === 'changed' ? difference.changes : [];
};
const told = (over: Partial<Config>): string[] =>
  changesTo(over).map(
    ({ takes, key, what, from, to }) => `${takes} ${key} ${from === undefined ? what : `${from} → ${to}`}`,
  );

test('what did not change is the same, and takes nothing', (t) => {
  t.deepEqual(compare([config], [structuredClone(config)]), [{ app: 'api', what: 'same' }]);
});

test('the address of a hook, which may hold a secret, is not told', (t) => {
  t.deepEqual(told({ hooks: { onIncident: 'https://example.org/s3cret' } }), [
    'restart hooks.onIncident none → an address',
  ]);
});

const changes: Record<string, readonly [over: Partial<Config>, told: readonly string[]]> = {
  'limits and times are live': [
    { fault: { killTimeoutMs: 5_000 }, workers: 3, logs: { ...config.logs, level: 'warn' } },
    ['live workers 2 → 3', 'live fault.killTimeout 30s → 5s', 'live logs.level "info" → "warn"'],
  ],
  'what a worker was started with takes a reload': [
    { script: '/srv/other.js', args: ['-v'] },
    ['reload script "/srv/server.js" → "/srv/other.js"', 'reload args [] → ["-v"]'],
  ],
  'what the supervisor was started with takes a restart': [
    { name: 'web', logs: { ...config.logs, format: 'pretty' } },
    ['restart name "api" → "web"', 'restart logs.format "json" → "pretty"'],
  ],
  'one more address takes a reload': [
    { listen: [{ host: '::1', port: 80 }, { host: undefined, port: 81 }, { path: '/run/a.sock' }] },
    ['reload listen none → [::1]:80 :81 unix:/run/a.sock'],
  ],
  'variables that are new, other, or gone take a reload, and are not shown': [
    { env: { B: 'hunter2', C: 'hunter3' } },
    ['reload env.A removed', 'reload env.B changed', 'reload env.C added'],
  ],
};

for (const [title, [over, expected]] of Object.entries(changes)) {
  test(title, (t) => {
    t.deepEqual(told(over), expected);
  });
}

const taken = (over: Partial<Config>): unknown => {
  const [difference] = compare([config], [{ ...config, ...over }]);
  return difference?.what === 'changed' ? difference.takes : difference?.what;
};

test('an app takes what the most demanding of its changes takes', (t) => {
  t.is(taken({ workers: 3 }), 'live');
  t.is(taken({ workers: 3, env: {} }), 'reload');
  t.is(taken({ workers: 3, env: {}, name: 'x' }), 'restart');
});

test('an address that is given up takes a restart: old workers may still listen there', (t) => {
  const [difference] = compare([{ ...config, listen: [{ host: undefined, port: 80 }] }], [config]);
  t.like(difference, { what: 'changed', takes: 'restart' });
});

test('apps are told apart by their names: one that is new, one that is gone', (t) => {
  const [api, mails, web] = ['api', 'mails', 'web'].map((name) => ({ ...config, name })) as [Config, Config, Config];
  t.deepEqual(compare([api, mails], [web, { ...api, workers: 3 }]), [
    { app: 'web', what: 'added' },
    {
      app: 'api',
      what: 'changed',
      takes: 'live',
      changes: [{ key: 'workers', takes: 'live', what: 'changed', from: '2', to: '3' }],
    },
    { app: 'mails', what: 'removed' },
  ]);
});
