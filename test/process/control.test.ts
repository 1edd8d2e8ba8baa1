// The control socket of a real supervisor: who may reach it, and what becomes of a fleet that cannot have one.
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { cordon } from '../support/cordon.js';
import { fixture, runtimeFolder, startFleet } from '../support/fleet.js';

const busy = fixture('process/busy.mjs');

test('the socket is for its owner alone, in a folder for its owner alone', async (t) => {
  const fleet = startFleet(t, [busy, '-w', '1']);
  await fleet.ready();
  t.is(statSync(join(fleet.runtime, 'cordon')).mode & 0o777, 0o700);
  t.is(statSync(join(fleet.runtime, 'cordon', 'busy.sock')).mode & 0o777, 0o600);
});

test('where the default place cannot be used the fleet starts all the same, and says that no command will reach it', async (t) => {
  const runtime = runtimeFolder(t);
  mkdirSync(join(runtime, 'elsewhere'));
  symlinkSync(join(runtime, 'elsewhere'), join(runtime, 'cordon'));
  const fleet = startFleet(t, [busy, '-w', '1'], { env: { XDG_RUNTIME_DIR: runtime } });
  await fleet.ready();
  const line = await fleet.line(/no command will reach this fleet/);
  t.is(line.level, 'error');
  t.regex(line.msg, /cordon is not safe: it is a symbolic link/);
  t.is(
    (await cordon(t, fleet, ['start', '--daemon', busy])).code,
    77,
    'in the background nobody could say that it is ready',
  );
  t.is(await fleet.stop(), 0);
});

test('a place that was asked for must be had: exit code 73, 77 or 78, and nothing runs', async (t) => {
  const runtime = runtimeFolder(t);
  const ends = async (socket: string): Promise<readonly [number, string]> => {
    const fleet = startFleet(t, [busy, '-w', '1'], { env: { CORDON_CONTROL_SOCKET: socket } });
    return [await fleet.ended, fleet.stderr()];
  };
  const [absent, why] = await ends(join(runtime, 'no', 'api.sock'));
  t.is(absent, 73, why);
  t.regex(why, /^cordon: control socket .*: the folder .*\/no does not exist\. Make it, or choose another one\.\n$/);
  const [open, whyOpen] = await ends(join(runtime, 'api.sock'));
  t.is(open, 77, whyOpen);
  t.regex(whyOpen, /others may write to it \(mode 0777\)/);
  const [long, whyLong] = await ends(join(runtime, `${'x'.repeat(120)}.sock`));
  t.true(long === 73 || long === 78, `${long}`);
  t.regex(whyLong, /at most 107 bytes/);
});

const asRoot = process.getuid?.() === 0 && spawnSync('setpriv', ['--version']).status === 0 ? test : test.skip;

/** The status of one request by user 54321 in this group, or the code of its error. */
const ask = (gid: number, socket: string, method: string, at: string): string =>
  spawnSync(
    'setpriv',
    [
      '--reuid=54321',
      `--regid=${gid}`,
      '--clear-groups',
      process.execPath,
      '-e',
      `require('http').request({ socketPath: '${socket}', path: '${at}', method: '${method}' }, (r) => console.log(r.statusCode)).on('error', (e) => console.log(e.code)).end()`,
    ],
    { encoding: 'utf8', cwd: '/' },
  ).stdout.trim();

asRoot(
  'a group may read over a socket of its own, and nobody else may; nobody but the owner gives orders',
  async (t) => {
    const runtime = runtimeFolder(t);
    const folder = join(runtime, 'run');
    mkdirSync(folder);
    chownSync(folder, 0, 0);
    chmodSync(folder, 0o755);
    const fleet = startFleet(t, [busy, '-w', '1'], {
      env: { RUNTIME_DIRECTORY: folder, CORDON_CONTROL_READERS: '54321' },
    });
    await fleet.ready();
    const path = join(folder, 'busy.sock');
    const readers = join(folder, 'busy.read.sock');
    t.is(ask(54321, readers, 'GET', '/v1/status'), '200');
    t.is(ask(54321, readers, 'POST', '/v1/stop'), '403');
    t.is(ask(54321, path, 'GET', '/v1/status'), 'EACCES');
    t.is(ask(54322, readers, 'GET', '/v1/status'), 'EACCES');
    t.is(await fleet.stop(), 0);
  },
);
