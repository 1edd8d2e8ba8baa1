// Workers that fall silent, and workers that have had enough.
import test from 'ava';
import type { Event } from '../../supervisor/event.js';
import type { Policy } from '../../supervisor/state.js';
import { policy, type Story, serving } from '../support/story.js';

const health = { beatMs: 1000, hangMs: 10_000, onHang: 'free' } as const;
const limits = { ...policy.limits };

const beat = (id: number, more: Partial<Extract<Event, { type: 'beat' }>> = {}): Event => ({
  type: 'beat',
  id,
  served: 0,
  failed: 0,
  lagMs: 0,
  ...more,
});
const examined = (id: number, ...steps: Extract<Event, { type: 'examined' }>['step'][]): Event[] =>
  steps.map((step) => ({ type: 'examined', id, step }));

/** All but the worker that is stuck are heard. */
function silent(changes: Partial<Policy> = {}): Story {
  const story = serving(2, { health, ...changes });
  for (let second = 0; second < 9; second++) story.wait(1000).tell(beat(2));
  return story;
}

test('a silent worker is looked into when its time is over, and serves on meanwhile', (t) => {
  const story = silent();
  t.deepEqual(story.orders(), []);
  t.deepEqual(story.wait(1000).orders(), ['10s examine #1, then free']);
  t.deepEqual(story.workers, ['#1 ready', '#2 ready']);
});

test('one that is free again drains as after a fault, its successor is there already', (t) => {
  const story = silent().wait(1000).forget();
  story.tell(beat(2), ...examined(1, 'opened', 'seen', 'terminated'));
  t.deepEqual(story.orders(), []);
  t.deepEqual(story.wait(400).tell(beat(1)).orders(), [
    '10.4s freed #1, guilty',
    '10.4s drain #1 (fault)',
    '10.4s spawn #3 in slot 0, generation 1',
  ]);
  t.true(
    story
      .said()
      .includes('warn: worker 1 is free again: the request that held it up is answered 503, its others waited 10.4 s'),
  );
});

test('alone, one that is free again serves on until its successor is ready', (t) => {
  const story = serving(1, { health }).wait(10_000);
  story.tell(...examined(1, 'opened', 'seen', 'terminated'), beat(1)).forget();
  t.deepEqual(story.workers, ['#1 tainted', '#2 booting']);
  t.deepEqual(story.ready(2).orders(), ['10s drain #1 (fault)']);
});

test('one that does not come back within a second is killed, its successor starts at once', (t) => {
  const story = silent()
    .wait(1000)
    .tell(beat(2), ...examined(1, 'opened', 'seen', 'terminated'))
    .forget();
  t.deepEqual(story.wait(1000).orders(), ['11s kill #1 (stalled)', '11s spawn #3 in slot 0, generation 1']);
  t.true(story.said().includes('warn: worker 1 is killed: its event loop stands still; its clients waited 11 s'));
});

for (const [steps, what] of [
  [['failed'], 'cannot be opened'],
  [['opened', 'seen', 'doomed'], 'cannot be freed'],
] as const)
  test(`one that ${what} is killed at once`, (t) => {
    const story = silent().wait(1000).forget();
    t.deepEqual(story.tell(...examined(1, ...steps)).orders(), [
      '10s kill #1 (stalled)',
      '10s spawn #3 in slot 0, generation 1',
    ]);
  });

test('one whose inspector never answers is killed', (t) => {
  const story = silent().wait(1000).forget();
  t.deepEqual(story.wait(2000).orders(), ['12s kill #1 (stalled)', '12s spawn #3 in slot 0, generation 1']);
});

test('"report" kills nobody, and says when it is over', (t) => {
  const story = silent({ health: { ...health, onHang: 'report' } }).wait(1000);
  story.tell(...examined(1, 'opened', 'seen')).forget();
  for (let second = 0; second < 60; second++) story.wait(1000).tell(beat(2));
  t.deepEqual(story.orders(), []);
  t.deepEqual(story.tell(beat(1)).orders(), ['70s freed #1']);
  t.deepEqual(story.said(), ['warn: worker 1 is back by itself; its clients waited 70 s']);
  t.deepEqual(story.workers, ['#1 ready', '#2 ready']);
});

test('one that was only slow is left alone, and is no restart', (t) => {
  const story = silent().wait(1000).forget();
  t.deepEqual(story.tell(...examined(1, 'opened', 'awake')).orders(), ['10s freed #1']);
  t.deepEqual(story.wait(5000).orders(), []);
  t.is(story.fleet.restarts.length, 0);
});

test('a supervisor that comes to its deadline too late blames nobody', (t) => {
  const story = serving(2, { health });
  story.tell(beat(1), beat(2));
  story.host.sleepTo(30_000);
  t.deepEqual(story.orders(), []);
  t.deepEqual(story.wait(1500).tell(beat(1)).orders(), []);
  t.deepEqual(story.wait(600).orders(), ['32s examine #2, then free'], 'who stays silent is looked into all the same');
});

test('a worker that somebody looks into may be silent for as long as was said, and is judged as ever when that is over', (t) => {
  const story = serving(1, { health });
  story.tell(beat(1), { type: 'excused', id: 1, forMs: 60_000 }, beat(1));
  t.deepEqual(story.wait(69_000).orders(), [], 'a beat that was on its way changes nothing');
  t.deepEqual(story.wait(1000).orders(), ['70s examine #1, then free']);

  const early = serving(1, { health }).tell({ type: 'excused', id: 1, forMs: 60_000 }).wait(20_000);
  early.tell({ type: 'excused', id: 1, forMs: 0 });
  t.deepEqual(early.wait(9000).orders(), []);
  t.deepEqual(early.wait(1000).orders(), ['30s examine #1, then free']);

  const stuck = serving(1, { health }).wait(10_000).forget();
  stuck.tell({ type: 'excused', id: 1, forMs: 60_000 });
  t.deepEqual(stuck.wait(2000).orders()[0], '12s kill #1 (stalled)', 'one that is stuck already is not excused');
});

test('a beat of another worker condemns nobody', (t) => {
  const story = serving(2, { health });
  story.host.sleepTo(10_500, false);
  t.deepEqual(story.tell(beat(2)).orders(), []);
  t.deepEqual(story.tell(beat(1)).wait(1000).orders(), []);
});

for (const [limit, most, enough] of [
  ['memory', { memory: 1000 }, { rss: 1000 }],
  ['heap', { heap: 0.9 }, { heapShare: 0.91 }],
  ['requests', { requests: 100 }, { served: 100 }],
] as const)
  test(`limits.${limit}: a worker that has come to it is replaced first, then drained, one at a time`, (t) => {
    const story = serving(2, { limits: { ...limits, ...most } });
    t.deepEqual(story.tell(beat(1, enough), beat(2, enough)).orders(), [
      `0s recycle #1 (${limit})`,
      '0s spawn #3 in slot 0, generation 1',
    ]);
    t.deepEqual(story.ready(3).orders(), ['0s drain #1 (recycle)']);
    t.deepEqual(story.tell(beat(2, enough)).orders(), [
      `0s recycle #2 (${limit})`,
      '0s spawn #4 in slot 1, generation 1',
    ]);
  });

test('limits.lifetime counts from when a worker is ready', (t) => {
  const story = serving(1, { limits: { ...limits, lifetimeMs: 60_000 } });
  t.deepEqual(story.wait(59_000).tell(beat(1)).orders(), []);
  t.deepEqual(story.wait(1000).tell(beat(1)).orders(), [
    '60s recycle #1 (lifetime)',
    '60s spawn #2 in slot 0, generation 1',
  ]);
});

test('with jitter, no two workers come to a limit together, and none passes it', (t) => {
  const story = serving(8, {
    limits: { ...limits, requests: 1000, jitter: 0.2, surge: 8 },
    intensity: { restarts: 100, withinMs: 60_000 },
  });
  const at: number[] = [];
  for (let served = 700; served <= 1000; served++) {
    story.tell(...Array.from({ length: 8 }, (_, index) => beat(index + 1, { served })));
    for (const order of story.orders()) if (order.includes('recycle')) at.push(served);
  }
  t.is(at.length, 8);
  t.is(new Set(at).size, 8);
  t.true(Math.min(...at) >= 800);
});

test('a limit that every new worker comes to at once neither wears the fleet out nor calls it degraded', (t) => {
  const story = serving(1, { limits: { ...limits, memory: 1000 } });
  let spawned = 0;
  for (let second = 0; second < 60; second++) {
    const id = story.fleet.workers.find(({ phase }) => phase === 'ready')?.id ?? 0;
    story.wait(1000).tell(beat(id, { rss: 5000 }));
    for (const { id: booting, phase } of story.fleet.workers) if (phase === 'booting') story.ready(booting);
    for (const { id: gone, phase } of story.fleet.workers) if (phase === 'draining') story.left(gone);
    spawned += story.orders().filter((order) => order.includes('spawn')).length;
  }
  t.is(spawned, 6, 'while no more than half of the ten are spent that the intensity lets through in a minute');
  t.false(story.fleet.degraded);
});

test('a worker that grows past 1.5 times its memory while it drains is killed', (t) => {
  const story = serving(2, { limits: { ...limits, memory: 1000 } });
  story
    .tell(beat(1, { rss: 1000 }))
    .ready(3)
    .forget();
  t.deepEqual(story.tell(beat(1, { rss: 1400 })).orders(), []);
  t.deepEqual(story.tell(beat(1, { rss: 1500 })).orders(), ['0s kill #1 (recycle)']);
  t.deepEqual(story.said(), ['warn: worker 1 is killed: it has grown past 1.5 times limits.memory while it drained']);
});

test('giveUp ends the fleet when every slot has failed so often, and not before', (t) => {
  const story = serving(2, { giveUpAt: 3 });
  story.crashed(1).ready(3).crashed(3).wait(1000).ready(4).crashed(4);
  t.is(story.fleet.goal, 'serve', 'one slot still serves');
  story.crashed(2).ready(5).crashed(5).wait(2000).ready(6, 7).forget();
  story.crashed(6, 7);
  t.true(story.orders().some((order) => order.endsWith('give up after 3')));
  t.not(story.fleet.goal, 'serve');
});
