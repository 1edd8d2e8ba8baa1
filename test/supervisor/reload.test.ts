import test from 'ava';
import { isWorse } from '../../supervisor/canary.js';
import type { Event } from '../../supervisor/event.js';
import type { Plan } from '../../supervisor/reload-state.js';
import { booting, type Story, serving } from '../support/story.js';

const plan: Plan = { surge: 1, rollback: true, readyTimeoutMs: 5000, canary: undefined };
const reload = (generation: number, changes: Partial<Plan> = {}): Event => ({
  type: 'reload-asked',
  generation,
  plan: { ...plan, ...changes },
});
const canary = { bakeMs: 30_000, maxErrorRatio: 2 };
const listens = (id: number, ...addresses: string[]): Event => ({ type: 'listening', id, addresses, suffices: true });
const beat = (id: number, served: number, failed: number, lagMs = 0): Event => ({
  type: 'beat',
  id,
  served,
  failed,
  lagMs,
});
const generations = (story: Story): string[] =>
  story.fleet.workers.map(({ id, generation, phase }) => `#${id} ${phase} ${generation}`);

test('a reload replaces one worker after the other, and nobody leaves before its successor is ready', (t) => {
  const story = serving(2).tell(reload(2));
  t.deepEqual(story.orders(), ['0s spawn #3 in slot 0, generation 2']);
  t.deepEqual(story.wait(1000).ready(3).orders(), ['1s drain #1 (reload)', '1s spawn #4 in slot 1, generation 2']);
  t.deepEqual(story.left(1).ready(4).orders(), ['1s generation 2 serves', '1s drain #2 (reload)']);
  t.deepEqual(story.left(2).workers, ['#3 ready', '#4 ready']);
  t.is(story.fleet.generation, 2);
  t.deepEqual(story.said().slice(-2), [
    'worker 2 drains (at most 30 s): a newer generation has its place',
    'worker 2 is gone (exit code 0): a newer generation has its place',
  ]);
});

test('a surge replaces as many at a time, and never more', (t) => {
  const story = serving(3).tell(reload(2, { surge: 2 }));
  t.is(story.orders().length, 2);
  t.deepEqual(story.ready(5).orders(), ['0s drain #2 (reload)', '0s spawn #6 in slot 2, generation 2']);
});

test('a successor is ready when it listens wherever its incumbents do', (t) => {
  const story = booting(1)
    .tell(listens(1, '*:80'))
    .tell(listens(1, '*:80', '*:81'))
    .tell(reload(2))
    .forget();
  t.deepEqual(story.tell(listens(2, '*:80')).orders(), []);
  t.deepEqual(story.tell(listens(2, '*:80', '*:81', '*:82')).orders(), [
    '0s generation 2 serves',
    '0s drain #1 (reload)',
  ]);
});

test('a release that does not listen where the old one does is given up, and the log says where', (t) => {
  const story = booting(1).tell(listens(1, '*:80')).tell(reload(2)).tell(listens(2, '*:81')).forget();
  t.deepEqual(story.wait(5000).orders(), ['5s kill #2 (stalled)', '5s generation 2 stalled']);
  t.true(
    story
      .said()
      .includes(
        'error: reload of generation 2 came to nothing: worker 2 was not ready in 5 s: the old ones listen on *:80, it does not; generation 1 serves on',
      ),
  );
  t.deepEqual(story.left(2).workers, ['#1 ready']);
});

test('an address that only one worker listens on is not waited for', (t) => {
  const story = booting(2)
    .tell(listens(1, '*:80'), listens(2, '*:80', '*:4711'))
    .tell(reload(2))
    .forget();
  t.deepEqual(story.tell(listens(3, '*:80')).orders()[0], '0s drain #1 (reload)');
});

test('the first worker that dies before it is ready ends a reload, and the old ones stay', (t) => {
  const story = serving(2).tell(reload(2)).forget().crashed(3);
  t.deepEqual(story.orders(), ['0s generation 2 died']);
  t.deepEqual(story.wait(600_000).workers, ['#1 ready', '#2 ready']);
  t.is(story.fleet.slots[0]?.failures, 0, 'a slot that was tried has not failed');
  t.is(story.fleet.restarts.length, 0);
});

test('a later failure takes back those that were replaced already', (t) => {
  const story = serving(3).tell(reload(2)).ready(4).left(1).forget().crashed(5);
  t.deepEqual(story.orders(), ['0s generation 2 died', '0s spawn #6 in slot 0, generation 1']);
  t.deepEqual(story.ready(6).orders(), ['0s drain #4 (rollback)']);
  t.deepEqual(generations(story.left(4)), ['#2 ready 1', '#3 ready 1', '#6 ready 1']);
});

test('without rollback those that were replaced stay', (t) => {
  const story = serving(2)
    .tell(reload(2, { rollback: false }))
    .ready(3)
    .left(1)
    .forget()
    .crashed(4);
  t.deepEqual(story.orders(), ['0s generation 2 died']);
  t.deepEqual(generations(story.wait(60_000)), ['#2 ready 1', '#3 ready 2']);
});

test('a slot whose incumbent dies during a reload gets the old generation again until it is replaced', (t) => {
  const story = serving(2).tell(reload(2)).forget().crashed(1);
  t.deepEqual(story.orders(), ['0s spawn #4 in slot 0, generation 1']);
  t.deepEqual(story.ready(4, 3).orders(), ['0s drain #4 (reload)', '0s spawn #5 in slot 1, generation 2']);
  t.deepEqual(
    story.crashed(3).orders(),
    ['0s spawn #6 in slot 0, generation 2'],
    'a replaced slot stays in the new one',
  );
});

test('a replaced slot that fails again and again ends the reload', (t) => {
  const story = serving(2).tell(reload(2)).ready(3).left(1).crashed(3).ready(5).crashed(5).wait(1000).ready(6).forget();
  t.deepEqual(story.crashed(6).orders(), [
    '1s generation 2 crashed',
    '1s drain #4 (rollback)',
    '1s spawn #7 in slot 0, generation 1',
  ]);
});

test('a reload during a reload supersedes it, and is the only one from then on', (t) => {
  const story = serving(2).tell(reload(2)).ready(3).left(1).forget().tell(reload(3));
  t.deepEqual(story.orders(), [
    '0s generation 2 superseded',
    '0s drain #4 (reload)',
    '0s spawn #5 in slot 0, generation 3',
  ]);
  t.deepEqual(story.left(4).ready(5).orders(), ['0s drain #3 (reload)', '0s spawn #6 in slot 1, generation 3']);
  t.deepEqual(story.crashed(6).orders(), ['0s generation 3 died', '0s spawn #7 in slot 0, generation 1']);
});

test('a stop during a reload wins', (t) => {
  const story = serving(1).tell(reload(2)).forget().tell({ type: 'stop-asked' });
  t.deepEqual(story.orders(), ['0s generation 2 stopped', '0s drain #1 (stop)', '0s drain #2 (stop)']);
  t.deepEqual(story.tell(reload(3)).left(1, 2).orders(), ['0s finish']);
});

test('a reload is no restart: it spends nothing of the intensity, and is held up by none', (t) => {
  const story = serving(2, { intensity: { restarts: 1, withinMs: 60_000 } })
    .crashed(1)
    .ready(3)
    .tell(reload(2))
    .ready(4);
  t.is(story.fleet.restarts.length, 1);
  t.is(story.ready(5).fleet.generation, 2);
});

test('a fleet whose program cannot start is mended by a reload, and waits for no backoff', (t) => {
  const story = booting(1).crashed(1).crashed(2).wait(1000).crashed(3).tell(reload(2)).forget();
  t.deepEqual(generations(story), ['#4 booting 2']);
  t.deepEqual(story.ready(4).orders(), ['1s generation 2 serves']);
});

// Canary

const baking = (): Story => serving(2).tell(reload(2, { canary })).ready(3).left(1).forget();

test('a canary is watched before the others follow', (t) => {
  const story = baking();
  t.deepEqual(
    story
      .tell(beat(2, 100, 0), beat(3, 100, 0))
      .wait(12_000)
      .orders(),
    ['10s generation 2 silent', '10s drain #3 (rollback)', '10s spawn #4 in slot 0, generation 1'],
    'silence is failure',
  );
  const well = baking();
  for (let second = 1; second <= 29; second++) well.wait(1000).tell(beat(2, second, 0), beat(3, second, 0));
  t.deepEqual(well.orders(), []);
  t.deepEqual(well.wait(1000).orders(), ['30s spawn #4 in slot 1, generation 2']);
  t.deepEqual(well.ready(4).orders(), ['30s generation 2 serves', '30s drain #2 (reload)']);
});

test('a canary that fails more than the old workers is taken back at once', (t) => {
  const story = baking()
    .tell(beat(2, 100, 1))
    .tell(beat(3, 30, 10));
  t.deepEqual(story.orders(), [
    '0s generation 2 errors',
    '0s drain #3 (rollback)',
    '0s spawn #4 in slot 0, generation 1',
  ]);
  t.true(
    story
      .said()
      .includes(
        'error: reload of generation 2 came to nothing: it failed 10 of 30 requests; the old one 1 of 100 requests; generation 1 serves on',
      ),
  );
});

test('the only worker of a fleet is compared with what came before it', (t) => {
  const story = serving(1)
    .tell(beat(1, 1000, 300))
    .tell(reload(2, { canary }))
    .ready(2)
    .left(1)
    .forget();
  t.deepEqual(story.tell(beat(2, 30, 10)).orders(), [], 'no worse than the old one');
  t.deepEqual(story.tell(beat(2, 60, 40)).orders(), ['0s generation 2 errors', '0s spawn #3 in slot 0, generation 1']);
  t.deepEqual(story.ready(3).orders(), ['0s drain #2 (rollback)']);
});

/** What is ordered when its bake ends: it has answered nothing, and so many wait for it. */
const watched = (open: number): string | undefined =>
  serving(2)
    .tell(reload(2, { canary: { ...canary, bakeMs: 5000 } }))
    .ready(3)
    .left(1)
    .tell(beat(2, 50, 0), { ...beat(3, 0, 0), open } as Event)
    .forget()
    .wait(5000)
    .orders()[0];

test('a canary that answers nothing of what it is asked, while the old ones answer, is taken back', (t) => {
  t.is(watched(4), '5s generation 2 mute');
  t.is(watched(0), '5s spawn #4 in slot 1, generation 2', 'nobody has asked it anything');
});

test('a canary that dies, or meets errors that nobody catches, is taken back', (t) => {
  t.is(baking().crashed(3).orders()[0], '0s generation 2 crashed');
  const story = baking().faulted(3).ready(4).faulted(4).ready(5).forget();
  t.is(story.faulted(5).orders()[1], '0s generation 2 faults');
});

test('a canary whose event loop is late again and again is taken back, unless the old ones are late too', (t) => {
  const late = baking().tell(beat(3, 1, 0, 1500), beat(2, 1, 0), beat(3, 2, 0, 1500), beat(2, 2, 0));
  t.is(late.tell(beat(3, 3, 0, 1500)).orders()[0], '0s generation 2 late');
  const both = baking();
  for (let turn = 1; turn < 9; turn++) both.tell(beat(3, turn, 0, 1500), beat(2, turn, 0, 1500));
  t.deepEqual(both.orders(), []);
});

test('a few failures, or a few requests, prove nothing', (t) => {
  const fine = { served: 100, failed: 0 };
  t.false(isWorse({ served: 19, failed: 19 }, fine, 2, 20));
  t.false(isWorse({ served: 1000, failed: 2 }, fine, 2, 20));
  t.true(isWorse({ served: 1000, failed: 3 }, fine, 2, 20));
  t.false(isWorse({ served: 100, failed: 20 }, { served: 100, failed: 10 }, 2, 20));
  t.true(isWorse({ served: 100, failed: 21 }, { served: 100, failed: 10 }, 2, 20));
});
