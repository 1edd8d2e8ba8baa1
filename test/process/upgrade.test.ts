// The supervisor itself is replaced: clients notice nothing, and a successor that is no good has cost nothing.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ask, Connection, type Outcome } from '../support/client.js';
import { type Fleet, fixture, startFleet } from '../support/fleet.js';
import { lost, startLoad } from '../support/load.js';
import { gone, workersOf } from '../support/processes.js';

const SERVES = /^upgrade: the successor serves .*pid (\d+)\)/;

/** Asks this supervisor to be replaced; returns its successor's pid. */
async function upgrade(t: ExecutionContext, fleet: Fleet, pid: number): Promise<number> {
  const from = fleet.lines.length;
  process.kill(pid, 'SIGUSR2');
  const { msg } = await fleet.line(SERVES, from);
  const successor = Number(SERVES.exec(msg)?.[1]);
  t.teardown(() => end(successor, 'SIGKILL'));
  return successor;
}

function end(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone already.
  }
}

async function folderFor(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'cordon-upgrade-'));
  t.teardown(() => rm(folder, { recursive: true }));
  return folder;
}

test('three upgrades under load: no connection refused, no request lost, and the port stays', async (t) => {
  const fleet = startFleet(t, [fixture('process/busy.mjs'), '-w', '2']);
  const target = { port: await fleet.port() };
  await fleet.ready();
  const first = fleet.child.pid as number;
  const load = startLoad(t, target, 8, (index) => ({ path: index % 4 === 0 ? '/slow?ms=50' : '/ok' }), {
    keepAlive: false,
  });
  await load.reached(50);
  let supervisor = first;
  for (let turn = 0; turn < 3; turn++) {
    const successor = await upgrade(t, fleet, supervisor);
    await gone([supervisor]);
    await load.reached(load.told.length + 50);
    supervisor = successor;
  }
  t.deepEqual(lost(await load.end()), []);
  t.log(`0 lost of ${load.told.length}`);
  t.is(fleet.child.exitCode, 0);
  end(supervisor, 'SIGTERM');
  await gone([supervisor, ...workersOf(fleet)]);
});

test('kept connections move to the successor, and the first signal that the old one gets meanwhile ends no request', async (t) => {
  const fleet = startFleet(t, [fixture('process/busy.mjs'), '-w', '2']);
  const target = { port: await fleet.port() };
  await fleet.ready();
  const users = 8;
  const load = startLoad(t, target, users, (index) => ({ path: index % 4 === 0 ? '/slow?ms=20' : '/ok' }));
  const slow = ask(t, target, '/slow?ms=6000');
  await load.reached(50);
  const first = fleet.child.pid as number;
  const second = await upgrade(t, fleet, first);
  end(first, 'SIGTERM');
  t.like(await slow, { status: 200 });
  await gone([first]);
  await load.reached(load.told.length + 50);
  const told = await load.end();
  t.deepEqual(lost(told), []);
  t.is(told.filter(({ fresh }) => fresh).length, users);
  end(second, 'SIGTERM');
  await gone([second]);
  t.is(await fleet.ended, 0);
});

test('connections of a fleet that still answers reach the successor of its successor, and stay where a successor stops', async (t) => {
  const fleet = startFleet(t, [fixture('process/busy.mjs'), '-w', '2']);
  const target = { port: await fleet.port() };
  await fleet.ready();
  const first = fleet.child.pid as number;
  const busy = async (ms: number): Promise<Promise<Outcome>[]> => {
    const users = Array.from({ length: 4 }, () => new Connection(t, target));
    for (const user of users) t.like(await user.ask('/ok'), { status: 200 });
    return users.map(async (user) => {
      const answer = await user.ask(`/slow?ms=${ms}`);
      const closes = answer.became === 'answered' && answer.headers['connection'] === 'close';
      return closes ? answer : user.ask('/ok');
    });
  };
  const through = await busy(6000);
  const second = await upgrade(t, fleet, first);
  const third = await upgrade(t, fleet, second);
  for (const outcome of await Promise.all(through)) t.like(outcome, { status: 200 });
  await gone([first, second]);
  const back = await busy(4000);
  const fourth = await upgrade(t, fleet, third);
  end(fourth, 'SIGTERM');
  for (const outcome of await Promise.all(back)) t.like(outcome, { status: 200 });
  await gone([third, fourth]);
  await fleet.ended;
});

test('the path of a unix socket survives an upgrade, kept connections move, and it goes with the last supervisor', async (t) => {
  const folder = await folderFor(t);
  for (const args of [[], ['--listen', path.join(folder, 's')]]) {
    const fleet = startFleet(t, [fixture('process/busy.mjs'), '-w', '1', ...args], {
      cwd: folder,
      env: { PORT: undefined, SOCKET: path.join(folder, 's') },
    });
    await fleet.ready();
    const target = { port: 0, socketPath: path.join(folder, 's') };
    const user = new Connection(t, target);
    t.like(await user.ask('/ok'), { status: 200 });
    const second = await upgrade(t, fleet, fleet.child.pid as number);
    await gone([fleet.child.pid as number]);
    t.like(await ask(t, target, '/ok'), { status: 200 });
    t.like(await user.ask('/ok'), { status: 200 });
    const third = await upgrade(t, fleet, second);
    await gone([second]);
    t.like(await ask(t, target, '/ok'), { status: 200 });
    t.like(await user.ask('/ok'), { status: 200 });
    user.close();
    end(third, 'SIGTERM');
    await gone([third]);
    t.false(existsSync(path.join(folder, 's')));
    await fleet.ended;
  }
});

for (const [says, does, why, args] of [
  ['dies at start', 'throw', /its worker \d+ ended before it was ready/, ['--listen', 'unix:s']],
  ['is never ready', 'hang', /its worker \d+ was not ready in time/, ['--ready-timeout', '3s']],
] as const) {
  test(`a successor whose program ${says} is ended, and nothing has changed: the path of a unix socket stays`, async (t) => {
    const folder = await folderFor(t);
    const release = path.join(folder, 'release');
    await writeFile(release, 'serve');
    const fleet = startFleet(t, [fixture('process/release.mjs'), '-w', '2', ...args], {
      cwd: folder,
      env: { RELEASE: release, SOCKET: path.join(folder, 's') },
    });
    const target = { port: 0, socketPath: path.join(folder, 's') };
    await fleet.ready();
    const workers = workersOf(fleet);
    const load = startLoad(t, target, 4, () => ({ path: '/ok' }));
    await load.reached(20);
    await writeFile(release, does);
    fleet.child.kill('SIGUSR2');
    const { msg: said } = await fleet.line(/^upgrade failed/);
    t.regex(said, why);
    await gone(workersOf(fleet).filter((pid) => !workers.includes(pid)));
    await load.reached(load.told.length + 20);
    t.deepEqual(lost(await load.end()), []);
    t.like(await ask(t, target, '/ok'), { status: 200 }, 'a new client finds the path');
    await writeFile(release, 'serve');
    const successor = await upgrade(t, fleet, fleet.child.pid as number);
    t.like(await ask(t, target, '/ok'), { status: 200 });
    // Until it is told that it leads, the path is not its own.
    await fleet.line(({ msg, pid }) => / is gone /.test(msg) && workers.includes(pid as number));
    end(successor, 'SIGTERM');
    t.is(await fleet.ended, 0);
    await gone([successor]);
    t.false(existsSync(target.socketPath));
  });
}

/** Lets `current` lead to a release of this name. */
async function point(folder: string, name: string): Promise<void> {
  await mkdir(path.join(folder, name));
  await writeFile(path.join(folder, name, 'release.json'), JSON.stringify({ name }));
  await symlink(fixture('process/releases.mjs'), path.join(folder, name, 'server.mjs'));
  await symlink(name, path.join(folder, 'next'));
  await rename(path.join(folder, 'next'), path.join(folder, 'current'));
}

test('the successor runs the release where the operator stood, wherever that leads now, in as many workers as were asked for; the pid file names who leads, and goes with the last', async (t) => {
  const folder = await folderFor(t);
  await point(folder, '41');
  const pidFile = path.join(folder, 'pid');
  const current = path.join(folder, 'current');
  const fleet = startFleet(t, ['server.mjs', '-w', '1'], {
    cwd: current,
    env: { CORDON_PID_FILE: pidFile, PWD: current },
  });
  const target = { port: await fleet.port() };
  await fleet.ready();
  const first = fleet.child.pid as number;
  t.is(await readFile(pidFile, 'utf8'), `${first}\n`);
  fleet.child.kill('SIGTTIN');
  await fleet.line(/is ready \(2 of 2\)/);
  await point(folder, '42');
  const second = await upgrade(t, fleet, first);
  await gone([first]);
  t.is(await readFile(pidFile, 'utf8'), `${second}\n`);
  t.truthy(fleet.lines.find(({ msg }) => new RegExp(`pid ${second}\\) runs .* in 2 workers$`).test(msg)));
  const { body } = (await ask(t, target, '/')) as { body?: string };
  t.like(JSON.parse(body ?? '{}'), { name: '42', folder: path.join(folder, '42') });
  end(second, 'SIGTERM');
  await gone([second]);
  t.false(existsSync(pidFile));

  const refused = startFleet(t, [fixture('process/busy.mjs')], {
    env: { CORDON_PID_FILE: path.join(folder, 'no', 'pid') },
  });
  t.is(await refused.ended, 73);
  t.regex(refused.stderr(), /^cordon: pidFile: .* cannot be written \(ENOENT\)/);
});

test('a configuration that is wrong by now ends the upgrade, in the words of a start', async (t) => {
  const folder = await folderFor(t);
  const config = path.join(folder, 'cordon.config.json');
  await writeFile(config, JSON.stringify({ script: fixture('process/busy.mjs'), workers: 1 }));
  const fleet = startFleet(t, ['-c', config]);
  await fleet.ready();
  await writeFile(config, '{ "workers": "many" }');
  fleet.child.kill('SIGUSR2');
  t.regex((await fleet.line(/^upgrade failed/)).msg, /cordon\.config\.json.*workers/s);
  t.is(await fleet.stop(), 0);
});

test('one upgrade at a time, with no reload amid it; a stop, even one that waits for load balancers, ends it and lets no other begin', async (t) => {
  const release = path.join(await folderFor(t), 'release');
  await writeFile(release, 'serve');
  const fleet = startFleet(t, [fixture('process/release.mjs'), '-w', '1'], {
    env: { RELEASE: release, CORDON_STOP_DELAY: '1m' },
  });
  await fleet.ready();
  await writeFile(release, 'hang');
  fleet.child.kill('SIGUSR2');
  await fleet.line(
    ({ msg, pid, worker }) => worker === 1 && /starts in slot 0/.test(msg) && pid !== workersOf(fleet)[0],
    1,
  );
  fleet.child.kill('SIGUSR2');
  await fleet.line(/^cannot upgrade: an upgrade is under way/);
  fleet.child.kill('SIGHUP');
  await fleet.line(/^nothing was changed: an upgrade is under way/);
  fleet.child.kill('SIGTERM');
  t.regex((await fleet.line(/^upgrade failed/)).msg, /called off/);
  await writeFile(release, 'serve');
  fleet.child.kill('SIGUSR2');
  await fleet.line(/^cannot upgrade: this supervisor is stopping/);
  // A second signal waits for nobody.
  fleet.child.kill('SIGTERM');
  t.is(await fleet.ended, 143);
  await gone(workersOf(fleet));
});
