// Started as root for a low port, nobody soon after.
import { chmodSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ask } from '../support/client.js';
import { type Fleet, fixture, startFleet } from '../support/fleet.js';
import { freePort } from '../support/proxy.js';

const isRoot = process.getuid?.() === 0;
const asRoot = (title: string, story: (t: ExecutionContext) => Promise<void>): void => {
  if (isRoot) test(title, story);
  else if (process.env['CI'] === undefined) test.skip(`${title} (not run: only root can become somebody else)`, story);
  else test(title, (t) => t.fail('only root can become somebody else'));
};

async function start(t: ExecutionContext, settings: object, env: NodeJS.ProcessEnv = {}): Promise<Fleet> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'cordon-user-'));
  t.teardown(() => rm(folder, { recursive: true }));
  chmodSync(folder, 0o755);
  const config = path.join(folder, 'cordon.config.json');
  const errors = { dir: path.join(folder, 'book') };
  await writeFile(
    config,
    JSON.stringify({
      script: fixture('process/busy.mjs'),
      workers: 1,
      errors,
      name: path.basename(folder),
      ...settings,
    }),
  );
  return startFleet(t, ['-c', config], { env });
}

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
