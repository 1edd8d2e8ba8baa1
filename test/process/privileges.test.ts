// Started as root for a low port, nobody soon after.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ask } from '../support/client.js';
import { type Fleet, fixture, root, startFleet } from '../support/fleet.js';
import { freePort } from '../support/proxy.js';

const isRoot = process.getuid?.() === 0;
const asRoot = (title: string, story: (t: ExecutionContext) => Promise<void>): void => {
  if (isRoot) test(title, story);
  else if (process.env['CI'] === undefined) test.skip(`${title} (not run: only root can become somebody else)`, story);
  else test(title, (t) => t.fail('only root can become somebody else'));
};

async function configured(t: ExecutionContext, settings: object): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'cordon-user-'));
  t.teardown(() => rm(folder, { recursive: true }));
  chmodSync(folder, 0o755);
  const config = path.join(folder, 'cordon.config.json');
  const errors = { dir: path.join(folder, 'book') };
  const rest = { script: fixture('process/busy.mjs'), workers: 1, errors, name: path.basename(folder) };
  await writeFile(config, JSON.stringify({ ...rest, ...settings }));
  return config;
}

const start = async (t: ExecutionContext, settings: object, env: NodeJS.ProcessEnv = {}): Promise<Fleet> =>
  startFleet(t, ['-c', await configured(t, settings)], { env });

const identity = (pid: number): string[] =>
  readFileSync(`/proc/${pid}/status`, 'utf8')
    .split('\n')
    .filter((line) => /^(?:Uid|Gid|Groups|CapEff|CapPrm):/.test(line))
    .map((line) => line.replace(/\s+/g, ' ').trim());

asRoot('supervisor and workers are the user wholly, without a capability or a group of root', async (t) => {
  const port = await freePort();
  const fleet = await start(t, { user: 'nobody', listen: [`127.0.0.1:${port}`] }, { PORT: String(port) });
  await fleet.ready();
  t.like(await ask(t, { port }, '/ok'), { status: 200 });
  const worker = (await fleet.line(({ worker: id, pid }) => id === 1 && pid !== undefined)).pid as number;
  for (const pid of [fleet.child.pid as number, worker])
    t.deepEqual(identity(pid), [
      'Uid: 65534 65534 65534 65534',
      'Gid: 65534 65534 65534 65534',
      'Groups: 65534',
      'CapPrm: 0000000000000000',
      'CapEff: 0000000000000000',
    ]);
  t.is(await fleet.stop(), 0);
});

asRoot('a number that no user has is as good as a name, with a group beside it', async (t) => {
  const fleet = await start(t, { user: '54321', group: '54322' });
  await fleet.ready();
  t.deepEqual(identity(fleet.child.pid as number).slice(0, 3), [
    'Uid: 54321 54321 54321 54321',
    'Gid: 54322 54322 54322 54322',
    'Groups: 54322',
  ]);
  t.is(await fleet.stop(), 0);
});

asRoot('a unix socket that was bound as root belongs to the user', async (t) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'cordon-owned-'));
  t.teardown(() => rm(folder, { recursive: true }));
  chmodSync(folder, 0o755);
  const at = path.join(folder, 's');
  const fleet = await start(t, { user: 'nobody', group: 'nogroup', listen: [at] }, { SOCKET: at, PORT: undefined });
  await fleet.ready();
  t.is(statSync(at).uid, 65534);
  t.like(await ask(t, { port: 0, socketPath: at }, '/ok'), { status: 200 });
  t.is(await fleet.stop(), 0);
});

asRoot('who is not there, or is root, is refused in a sentence', async (t) => {
  for (const [settings, says] of [
    [{ user: 'nobody-at-all' }, /user: expected a user of this machine, got "nobody-at-all"/],
    [{ user: 'nobody', group: 'no-such-group' }, /group: expected a group of this machine/],
    [{ user: 'root' }, /user: expected somebody who is not root/],
    [{ group: 'nogroup' }, /`group`: expected a `user` beside it, got none/],
  ] as const) {
    const fleet = await start(t, settings);
    t.is(await fleet.ended, 78);
    t.regex(fleet.stderr(), says);
  }
});

asRoot('who is not root cannot become somebody else, and says so with exit code 77', async (t) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'cordon-other-'));
  t.teardown(() => rm(folder, { recursive: true }));
  chmodSync(folder, 0o755);
  const config = path.join(folder, 'cordon.config.json');
  await writeFile(config, JSON.stringify({ script: fixture('process/busy.mjs'), user: 'daemon' }));
  const fleet = startFleet(t, ['-c', config], { uid: 65534, gid: 65534 });
  t.is(await fleet.ended, 77);
  t.regex(fleet.stderr(), /only root can become "daemon", and this is user 65534/);
});

/** With the ids and capabilities that setpriv leaves it. */
async function startAs(t: ExecutionContext, settings: object, ...privileges: string[]) {
  const config = await configured(t, settings);
  const program = path.join(root, 'dist/cli/main.js');
  const command = [...privileges, '--', process.execPath, program, 'start', '-c', config];
  const child = spawn('setpriv', command, { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, PORT: '0' } });
  t.teardown(() => child.kill('SIGKILL'));
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stderr };
}

asRoot('who is the user by halves already is refused: a group of root, a way back to root', async (t) => {
  const nobody = ['--reuid=65534', '--regid=65534'];
  const halves = [
    [...nobody, '--groups=0,4'],
    ['--ruid=65534', '--regid=65534', '--clear-groups'],
    [...nobody, '--clear-groups', '--inh-caps=+setgid', '--ambient-caps=+setgid'],
  ];
  for (const { code, stderr } of await Promise.all(halves.map((half) => startAs(t, { user: 'nobody' }, ...half)))) {
    t.regex(stderr, /user: this process could not become "nobody" wholly/);
    t.is(code, 77);
  }
});

asRoot("root's own folders are nobody else's: not its home, nor where it keeps its state", async (t) => {
  const roots = mkdtempSync(path.join(os.tmpdir(), 'cordon-roots-'));
  t.teardown(() => rmSync(roots, { recursive: true }));
  const env = { HOME: roots, XDG_STATE_HOME: roots, XDG_CACHE_HOME: roots };
  const fleet = await start(t, { user: '54321', group: '54322' }, env);
  await fleet.ready();
  const worker = (await fleet.line(({ worker: id, pid }) => id === 1 && pid !== undefined)).pid as number;
  const variables = readFileSync(`/proc/${worker}/environ`, 'utf8').split('\0');
  t.true(variables.includes('HOME=/'));
  t.deepEqual(
    variables.filter((variable) => variable.includes(roots)),
    [],
  );
  t.is(await fleet.stop(), 0);
});

asRoot("folders that systemd has made for a service of root are the user's, and used", async (t) => {
  const made = mkdtempSync(path.join(os.tmpdir(), 'cordon-made-'));
  t.teardown(() => rmSync(made, { recursive: true }));
  chmodSync(made, 0o711);
  const folders = { RUNTIME_DIRECTORY: path.join(made, 'run'), STATE_DIRECTORY: path.join(made, 'state') };
  for (const folder of Object.values(folders)) mkdirSync(folder, { mode: 0o700 });
  const fleet = await start(t, { user: 'nobody', errors: {}, name: 'api' }, { ...folders, INVOCATION_ID: '1' });
  await fleet.ready();
  t.is(statSync(path.join(folders.RUNTIME_DIRECTORY, 'api.sock')).uid, 65534);
  t.is(statSync(folders.STATE_DIRECTORY).uid, 65534);
  t.deepEqual(
    fleet.lines.filter(({ level }) => level !== 'info'),
    [],
  );
  t.is(await fleet.stop(), 0);
});
