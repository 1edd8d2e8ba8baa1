// What a user sees of a running fleet, through the real command and a real fleet.
import test from 'ava';
import type { StatusReply } from '../../supervisor/control/protocol.js';
import { ask, cordon } from '../support/cordon.js';
import { fixture, runtimeFolder, startFleet } from '../support/fleet.js';
import { gone, workersOf } from '../support/processes.js';

const busy = fixture('process/busy.mjs');

test('status shows the fleet and each worker, and exits 0 while it is healthy', async (t) => {
  const fleet = startFleet(t, [busy, '-w', '2']);
  await fleet.ready();
  const { code, out, err } = await cordon(t, fleet, ['status']);
  t.is(err, '');
  t.is(code, 0);
  const [head = '', titles = '', ...workers] = out.trimEnd().split('\n');
  t.regex(head, /^busy serving · 2\/2 serve · generation 1 · up \d+s · no errors · pid \d+/);
  t.regex(titles, /^ID +SLOT +GEN +PID +PHASE +UP/);
  t.is(workers.length, 2);
  const pids = workersOf(fleet);
  for (const [i, pid] of pids.entries()) t.regex(workers[i] ?? '', new RegExp(` ${pid}  ready `));
  t.false(out.includes('\u001b'), 'no colours in a pipe');
});

test('ls, list and ps are other names of status', async (t) => {
  const fleet = startFleet(t, [busy, '-w', '1']);
  await fleet.ready();
  for (const name of ['ls', 'list', 'ps']) t.regex((await cordon(t, fleet, [name])).out, /^busy serving/);
});

test('status --json is one document of version 1', async (t) => {
  const fleet = startFleet(t, [busy, '-w', '2', '--name', 'api']);
  await fleet.ready();
  const status = await ask<StatusReply & { fleets: StatusReply[] }>(t, fleet, ['status', 'api']);
  t.like(status, {
    version: 1,
    name: 'api',
    state: 'serving',
    generation: 1,
    size: 2,
    serving: 2,
    pid: fleet.child.pid,
  });
  t.deepEqual(
    status.workers.map(({ pid }) => pid),
    workersOf(fleet),
  );
  t.is(status.fleets.length, 1);
  for (const { rssBytes = 0, uptimeMs } of status.workers) {
    t.true(rssBytes > 1e6);
    t.true(uptimeMs >= 0 && uptimeMs < 60_000);
  }
});

test('status of nothing exits 3 and says how to start', async (t) => {
  const nothing = { runtime: runtimeFolder(t) };
  const { code, out, err } = await cordon(t, nothing, ['status']);
  t.is(code, 3);
  t.is(out, '');
  t.regex(err, /^cordon: no supervisor of this user runs\. Start one with `cordon start server\.js`\.\n$/);
  t.like(JSON.parse((await cordon(t, nothing, ['status', '--json'])).out), { version: 1, fleets: [] });
});

test('stop waits until the supervisor is gone, says what it did, and every other command then exits 69', async (t) => {
  const fleet = startFleet(t, [busy, '-w', '2']);
  await fleet.ready();
  const { code, out } = await cordon(t, fleet, ['stop']);
  t.is(code, 0);
  t.regex(out, /^busy has stopped: 2 workers, \d+\.\d s, nothing was left open\n$/);
  t.is(await fleet.ended, 0);
  await gone(workersOf(fleet), 0);
  for (const command of ['stop', 'reload', 'logs', 'errors', 'events', 'describe'])
    t.is((await cordon(t, fleet, [command])).code, 69, command);
});

test('a name may be left out where one fleet runs; where two do, the answer lists them', async (t) => {
  const one = startFleet(t, [busy, '-w', '1', '--name', 'one']);
  const two = startFleet(t, [busy, '-w', '1', '--name', 'two'], { env: { XDG_RUNTIME_DIR: one.runtime } });
  await Promise.all([one.ready(), two.ready()]);
  const unclear = await cordon(t, one, ['logs']);
  t.is(unclear.code, 64);
  t.is(unclear.err, 'cordon: several fleets run: say which one (one, two).\n');
  const near = await cordon(t, one, ['logs', 'onee']);
  t.is(near.code, 69);
  t.regex(near.err, /Did you mean one\?\n$/);
  t.regex((await cordon(t, one, ['status'])).out, /^one serving[^]*^two serving/m);
  t.is((await cordon(t, one, ['stop', 'two'])).code, 0);
  t.is(await two.ended, 0);
  t.is((await ask<StatusReply>(t, one, ['status'])).name, 'one');
});
