// The units that `cordon systemd` writes are taken by systemd without a complaint, and hold what they restrict.
import { spawnSync } from 'node:child_process';
import { accessSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { INSTANCE, serviceUnit, socketUnit, type UnitWish } from '../../cli/systemd/unit.js';
import { type Typed, wishOf } from '../../cli/systemd/wish.js';
import { loaded } from '../support/config.js';
import { root } from '../support/fleet.js';

const wish: UnitWish = {
  name: 'api',
  node: process.execPath,
  cordon: path.join(root, 'dist/cli/main.js'),
  start: ['/srv/api/server.js'],
  folder: '/srv/api',
  version: 252,
  user: undefined,
  group: undefined,
  ofUser: false,
  listen: [],
  lowPort: false,
  written: [],
  readyMs: 30_000,
  stopMs: 30_000,
};

const cases: Readonly<Record<string, Partial<UnitWish>>> = {
  'a user that systemd makes': {},
  'a user of its own': { user: 'www-data', group: 'www-data' },
  root: { user: 'root' },
  'sockets of systemd': {
    listen: [{ host: undefined, port: 80 }, { host: '::1', port: 81 }, { path: '/run/api.sock' }],
  },
  'a low port': { lowPort: true },
  'a program in a home': { folder: '/home/me/api' },
  'files that the configuration names': { user: 'www-data', written: ['/srv/api/logs', '/srv/a b/50%', '/srv/$x'] },
  'words with blanks and signs': { start: ['/srv/a b/$HOME/50%.js', '--name', 'say "hi"'], folder: '/srv/a b/50%' },
};

const hasAnalyze = ((): boolean => {
  try {
    accessSync('/usr/bin/systemd-analyze');
    return true;
  } catch {
    return false;
  }
})();
const analyzed =
  hasAnalyze || process.env['CI'] !== undefined
    ? test
    : (title: string, _story: unknown) => test.skip(`${title} (not run: systemd-analyze is not there)`, () => {});

async function written(t: ExecutionContext, unit: UnitWish, file = 'api.service'): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'cordon-unit-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await writeFile(path.join(folder, file), serviceUnit(unit));
  const socket = socketUnit(unit);
  if (socket !== undefined) await writeFile(path.join(folder, 'api.socket'), socket);
  return path.join(folder, file);
}

const analyze = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync('systemd-analyze', args, {
    encoding: 'utf8',
    env: { ...process.env, XDG_RUNTIME_DIR: process.env['XDG_RUNTIME_DIR'] ?? os.tmpdir() },
  });
  return { status, stdout, stderr };
};

const installed = (): number => Number(/^systemd (\d+)/.exec(analyze('--version').stdout)?.[1]);

for (const [what, changes] of Object.entries(cases)) {
  analyzed(`${what}: systemd verifies the units without a word`, async (t) => {
    for (const version of new Set([252, installed()])) {
      const file = await written(t, { ...wish, ...changes, version });
      t.like(analyze('verify', '--man=no', file), { status: 0, stderr: '' });
    }
  });

  analyzed(`${what}: systemd calls the exposure at most 2.0`, async (t) => {
    const file = await written(t, { ...wish, ...changes });
    const { status, stdout } = analyze('security', '--offline=true', '--threshold=20', '--no-pager', file);
    const exposure = /Overall exposure level.*?: ([\d.]+)/.exec(stdout)?.[1];
    t.log(exposure);
    t.is(status, 0, `${exposure}`);
  });
}

analyzed('the template and the unit of a user are verified without a word', async (t) => {
  for (const version of new Set([252, installed()])) {
    const instances = { name: INSTANCE, start: ['--name', INSTANCE], folder: `/srv/${INSTANCE}` };
    const template = await written(t, { ...wish, ...instances, version }, 'cordon@.service');
    t.like(analyze('verify', '--man=no', template), { status: 0, stderr: '' });
    const ofUser = await written(t, { ...wish, ofUser: true, version });
    t.like(analyze('verify', '--user', '--man=no', ofUser), { status: 0, stderr: '' });
  }
});

test('a systemd that can pass its socket does, and an older one lets systemd-notify speak', (t) => {
  const newer = serviceUnit({ ...wish, version: 253 });
  t.regex(newer, /^OpenFile=\/run\/systemd\/notify:notify$/m);
  t.regex(newer, /^NotifyAccess=main$/m);
  const older = serviceUnit(wish);
  t.notRegex(older, /^OpenFile=/m);
  t.regex(older, /^NotifyAccess=all$/m);
  t.regex(serviceUnit({ ...wish, user: 'root' }), /^NotifyAccess=main$/m);
});

test('systemd waits a little longer than cordon does', (t) => {
  const unit = serviceUnit({ ...wish, stopMs: 90_000, readyMs: 1500 });
  t.regex(unit, /^TimeoutStopSec=100$/m);
  t.regex(unit, /^TimeoutStartSec=17$/m);
});

test('words of the command keep their signs', (t) => {
  const unit = serviceUnit({ ...wish, ...cases['words with blanks and signs'] });
  t.true(unit.includes('start "/srv/a b/$$HOME/50%%.js" --name "say \\"hi\\""\n'));
});

test('an instance of the template is called, and lives, as what follows its @', (t) => {
  const { stdout } = cordon(['print', '--template', '--for-systemd', '257'], root);
  t.regex(stdout, /^ExecStart=.* start --name %i$/m);
  t.regex(stdout, /^ExecReload=.* reload %i$/m);
  t.regex(stdout, /^WorkingDirectory=\/srv\/%i$/m);
  t.regex(stdout, /^RuntimeDirectory=cordon\/%i$/m);
  t.notRegex(stdout, /%%|\0/);
});

const wished = async (t: ExecutionContext, config: object, typed: Typed = {}): Promise<UnitWish> => {
  const files = { 'cordon.config.json': JSON.stringify({ script: 'server.js', ...config }) };
  const { node, cordon: program, version } = wish;
  const circumstances = { node, cordon: program, version, folder: '/srv/api', target: undefined };
  return wishOf(await loaded(t, { files, file: 'cordon.config.json' }), typed, circumstances);
};

test('whom the configuration names is the user of the unit, and nobody else can be', async (t) => {
  const config = { user: 'www-data', group: 'staff' };
  t.regex(serviceUnit(await wished(t, config)), /^User=www-data\nGroup=staff$/m);
  t.like(await wished(t, config, { runAs: 'www-data' }), config);
  await t.throwsAsync(wished(t, config, { runAs: 'nobody' }), {
    message: /^--run-as: expected www-data:staff, .* got nobody/,
  });
  t.like(await wished(t, {}, { runAs: 'www-data:staff' }), config);
});

test('what is no user, or would begin a line of its own in a unit, is refused', async (t) => {
  for (const runAs of ['', ':staff', 'a b', 'api:', 'x\nExecStartPre=/bin/id'])
    await t.throwsAsync(wished(t, {}, { runAs }), { message: /^--run-as: expected a user, or user:group/ });
  t.throws(() => serviceUnit({ ...wish, folder: '/srv/a\nExecStartPre=/bin/id' }), { message: /line break/ });
});

test('a low port that no socket unit binds takes a capability, and one that a socket unit binds does not', async (t) => {
  for (const config of [
    { listen: ['localhost:80'] },
    { listen: [':3000'], env: { PORT: '80' } },
    { metrics: { listen: '127.0.0.1:90' } },
  ])
    t.true((await wished(t, config)).lowPort);
  const bySocket = await wished(t, { listen: [':80', ':0'], env: { PORT: '80' } });
  t.like(bySocket, { lowPort: false, listen: [{ port: 80 }] }, "nobody would know a port of systemd's choice");
  t.regex(serviceUnit({ ...bySocket, lowPort: true }), /^AmbientCapabilities=CAP_NET_BIND_SERVICE$/m);
});

test('where the configuration has files, the service may write; in folders that systemd makes, it may anyway', async (t) => {
  const files = { access: 'common', file: '/srv/api/logs/api.log', accessFile: '/srv/api/logs/access.log' };
  const unit = serviceUnit(await wished(t, { name: 'api', logs: files, errors: { dir: '/var/lib/cordon/api/book' } }));
  t.regex(unit, /^ReadWritePaths=-\/srv\/api\/logs$/m);
});

const main = path.join(root, 'dist/cli/main.js');
const cordon = (args: string[], cwd: string) =>
  spawnSync(process.execPath, [main, 'systemd', ...args], { encoding: 'utf8', cwd });

test('what cannot work is refused in a sentence', async (t) => {
  t.like(cordon(['paint'], root), { status: 64, stdout: '' });
  t.like(cordon(['uninstall'], root), { status: 64, stdout: '' });
  t.like(cordon(['print', '--template', '--for-systemd', '219'], root), { status: 64, stdout: '' });
  const folder = await mkdtemp('/tmp/cordon-unit-');
  t.teardown(() => rm(folder, { recursive: true }));
  await writeFile(path.join(folder, 'server.js'), '');
  const { status, stderr } = cordon(['print', 'server.js'], folder);
  t.is(status, 64);
  t.regex(stderr, /temporary folder, which a service cannot see/);
});

test('print writes the service, and the socket where there is an address', (t) => {
  const { stdout, status } = cordon(
    ['print', 'examples/express/server.mjs', '--listen', ':3000', '--listen', 'localhost:3001', '-n', 'api'],
    root,
  );
  t.is(status, 0);
  t.regex(stdout, /^ListenStream=3000$/m);
  t.notRegex(stdout, /^ListenStream=localhost/m, 'systemd resolves no names');
  t.regex(stdout, /^ExecStart=.* start \S+server\.mjs --name api --listen :3000 --listen localhost:3001$/m);
});
