// Whether a supervisor may be followed, by which command, and when its successor has made it.
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import test from 'ava';
import { emptyFleet, type Fleet, NONE, UNHEARD, type Worker } from '../../../supervisor/state.js';
import { debut } from '../../../supervisor/upgrade/debut.js';
import { Kin } from '../../../supervisor/upgrade/kin.js';
import { again, nodeOf, obstacle } from '../../../supervisor/upgrade/possible.js';
import { scaled } from '../../../supervisor/upgrade/scale.js';

test('the first process of a container says that it cannot be replaced, and why', (t) => {
  t.regex(obstacle({ pid: 1, ppid: 0, init: 'node' }) ?? '', /first process of its container.*Start a new container/);
  t.regex(obstacle({ pid: 7, ppid: 1, init: 'tini' }) ?? '', /^tini waits for this very process/);
});

test('a supervisor below systemd, a shell, or a shell below tini can be replaced', (t) => {
  t.is(obstacle({ pid: 7, ppid: 1, init: 'systemd' }), undefined);
  t.is(obstacle({ pid: 7, ppid: 6, init: 'tini' }), undefined);
  t.is(obstacle({ pid: 7, ppid: 6, init: '' }), undefined);
});

test('the node that a shell would start now is the one that runs next', async (t) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'cordon-node-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const [first, second] = [path.join(folder, 'a'), path.join(folder, 'b')];
  for (const place of [first, second]) await mkdir(place);
  await writeFile(path.join(first, 'node'), '');
  await writeFile(path.join(second, 'node'), '');
  const searched = `relative:${first}:${second}`;
  t.is(nodeOf('node', searched, '/old/node', folder), '/old/node', 'none can be executed');
  await chmod(path.join(second, 'node'), 0o755);
  t.is(nodeOf('node', searched, '/old/node', folder), path.join(second, 'node'));
  t.is(nodeOf('./b/node', undefined, '/old/node', folder), path.join(second, 'node'));
  t.is(nodeOf(path.join(second, 'node'), undefined, '/old/node', folder), path.join(second, 'node'));
  t.is(nodeOf('node', undefined, '/old/node', folder), '/old/node');
});

test('a cordon that is part of the release is the one of the new release, and any other stays', async (t) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'cordon-again-'));
  t.teardown(() => rm(folder, { recursive: true }));
  await writeFile(path.join(folder, 'main.js'), '');
  t.is(again('/releases/1/main.js', '/releases/1', folder), path.join(folder, 'main.js'));
  t.is(again('/releases/1/other.js', '/releases/1', folder), '/releases/1/other.js', 'it is there no more');
  t.is(again('/usr/lib/main.js', '/releases/1', folder), '/usr/lib/main.js');
});

test('a size that was asked for stays where the configuration says what it said', (t) => {
  const now = { size: 4, standby: 0, configured: { workers: 2, standby: 1 } };
  t.deepEqual(scaled({ workers: 2, standby: 1 }, now), { size: 4, standby: 0 });
  t.deepEqual(scaled({ workers: 3, standby: 1 }, now), { size: 3, standby: 0 });
  t.deepEqual(scaled({ workers: 2, standby: 2 }, now), { size: 4, standby: 2 });
  t.deepEqual(scaled({ workers: 2, standby: 1 }, undefined), { size: 2, standby: 1 });
});

const fleet = (...workers: Worker[]): Fleet => ({ ...emptyFleet(2), workers });
const seat = (id: number, slot: number) => ({ id, slot, generation: 1, addresses: [], count: NONE, vitals: UNHEARD });
const booting = (id: number, slot: number): Worker => ({
  ...seat(id, slot),
  phase: 'booting',
  until: 9,
  faulty: false,
  listens: false,
  held: false,
  binds: false,
});
const ready = (id: number, slot: number): Worker => ({ ...seat(id, slot), phase: 'ready', since: 1 });

test('a successor has made it when every slot is ready, and not before', (t) => {
  const before = fleet(ready(1, 0), booting(2, 1));
  t.is(debut({ type: 'ready', id: 1 }, fleet(booting(1, 0), booting(2, 1)), before, 'all'), undefined);
  t.deepEqual(debut({ type: 'ready', id: 1 }, before, before, '50%'), { type: 'ready' }, 'a quorum below all');
  t.deepEqual(debut({ type: 'ready', id: 2 }, before, fleet(ready(1, 0), ready(2, 1)), 'all'), { type: 'ready' });
});

test('a successor whose worker dies, or is late, at boot has failed', (t) => {
  const before = fleet(ready(1, 0), booting(2, 1));
  t.like(debut({ type: 'exited', id: 2, code: 1, signal: null }, before, fleet(ready(1, 0)), 'all'), {
    type: 'failed',
  });
  const killed: Worker = { ...seat(2, 1), phase: 'killing', because: 'stalled' };
  t.like(debut({ type: 'time-passed' }, before, fleet(ready(1, 0), killed), 'all'), { type: 'failed' });
});

test('a successor that is told to stop before it is ready has failed', (t) => {
  const before = fleet(ready(1, 0), booting(2, 1));
  t.like(debut({ type: 'stop-asked' }, before, { ...before, goal: 'stop' }, 'all'), { type: 'failed' });
});

const had = (name: string, serves = true) => ({ name, serves });

test('an app is its namesake of the predecessor, or the only one of the only one; one of which nobody served there keeps nobody', (t) => {
  const several = new Kin([had('api'), had('db'), had('fails', false)], ['api', 'fails', 'new']);
  t.deepEqual(
    ['api', 'fails', 'new'].map((name) => several.will(name)?.name),
    ['api', 'fails', undefined],
  );
  t.deepEqual([several.heir('api'), several.heir('db')], ['api', undefined]);
  t.deepEqual([...several.awaited], ['api', 'new']);
  t.is(new Kin([had('')], ['renamed']).heir(''), 'renamed', 'an older cordon does not say');
  t.is(new Kin([had('api'), had('db')], ['web']).will('web'), undefined, 'connections of others are not for it');
  t.deepEqual([...new Kin([had('api', false)], ['api']).awaited], ['api']);
});
