import test from 'ava';
import type { Event } from '../../supervisor/event.js';
import { booting, serving } from '../support/story.js';

const scale = (size: number, standby = 0): Event => ({ type: 'scale-asked', size, standby });
const binding = (id: number): Event => ({ type: 'binding', id });
const recycle = (id: number): Event => ({ type: 'recycle-asked', id });

test('a fleet is made greater at once, and smaller as soon as enough serve', (t) => {
  const story = serving(1).tell(scale(3));
  t.deepEqual(story.orders(), ['0s spawn #2 in slot 1, generation 1', '0s spawn #3 in slot 2, generation 1']);
  t.deepEqual(story.ready(2, 3).tell(scale(2)).orders(), ['0s drain #3 (scale)']);
  t.deepEqual(story.left(3).wait(60_000).orders(), []);
  t.is(story.fleet.restarts.length, 0);
});

test('a worker that boots is not wanted any more: it goes at once', (t) => {
  t.deepEqual(serving(1).tell(scale(2)).forget().tell(scale(1)).orders(), ['0s drain #2 (scale)']);
});

test('who serves stays while those that are to stay do not: a smaller fleet is no outage', (t) => {
  const story = booting(2).ready(2).forget().tell(scale(1));
  t.deepEqual(story.orders(), []);
  t.deepEqual(story.ready(1).orders(), ['0s drain #2 (scale)']);
});

test('a fleet has one worker at least', (t) => {
  t.deepEqual(serving(1).tell(scale(0)).orders(), []);
});

test('a restart replaces all at once, and is no restart to the intensity', (t) => {
  const story = serving(2).tell({ type: 'restart-asked', generation: 2 });
  t.deepEqual(story.orders(), [
    '0s drain #1 (restart)',
    '0s drain #2 (restart)',
    '0s spawn #3 in slot 0, generation 2',
    '0s spawn #4 in slot 1, generation 2',
  ]);
  t.deepEqual(story.fleet.restarts, []);
  t.is(story.ready(3, 4).left(1, 2).fleet.generation, 2);
});

test('a worker that is recycled goes when its successor is ready', (t) => {
  const story = serving(1).tell(recycle(1));
  t.deepEqual(story.orders(), ['0s spawn #2 in slot 0, generation 1']);
  t.deepEqual(story.ready(2).orders(), ['0s drain #1 (recycle)']);
  t.deepEqual(story.fleet.restarts, []);
});

test('a successor that dies leaves the recycled worker in service, and is tried again', (t) => {
  const story = serving(1).tell(recycle(1)).forget().crashed(2);
  t.deepEqual(story.orders(), ['0s spawn #3 in slot 0, generation 1']);
  t.is(story.worker(1)?.phase, 'tainted');
});

test('no more workers boot at a time than may', (t) => {
  const story = booting(5, { bootConcurrency: 2 });
  t.is(story.orders().length, 2);
  t.deepEqual(story.ready(1).orders(), ['0s spawn #3 in slot 2, generation 1']);
  t.deepEqual(story.crashed(2).orders(), ['0s spawn #4 in slot 1, generation 1']);
});

// Standby

const ready = [1, 2, 3];
const withStandby = () =>
  booting(2, { standby: 1 })
    .ready(...ready)
    .forget();

test('a worker on standby is booted like the others, and accepts nobody', (t) => {
  const story = booting(2, { standby: 1 });
  t.is(story.orders().length, 3);
  t.deepEqual(story.ready(...ready).orders(), ['0s serve #1', '0s serve #2']);
  t.deepEqual(story.workers, ['#1 ready', '#2 ready', '#3 standby']);
});

test('a death calls a worker on standby into service at once; another one starts behind it, once that has had a head start', (t) => {
  const story = withStandby().crashed(1);
  t.deepEqual(story.orders(), ['0s serve #3']);
  t.deepEqual(story.forget().wait(100).orders(), ['0.1s spawn #4 in slot 0, generation 1']);
  t.deepEqual(story.ready(4).orders(), []);
  t.deepEqual(story.workers, ['#2 ready', '#3 ready', '#4 standby']);
});

test('whoever is about to listen first is not held where nobody serves yet; the others stand by', (t) => {
  const story = booting(1, { standby: 1 }).forget().tell(binding(2), binding(1));
  t.deepEqual(story.orders(), ['0s serve #2']);
  t.deepEqual(story.ready(1).orders(), [], 'the other one is awaited');
  t.deepEqual(story.ready(2).orders(), []);
  t.deepEqual(story.workers, ['#1 standby', '#2 ready']);
});

/** #1 was told to serve when it asked for its socket; #2 is ready before it. */
const begun = () => booting(1, { standby: 1 }).tell(binding(1)).ready(2).forget();

test('somebody on standby is called when the worker that was to serve dies, or lets it wait for a second', (t) => {
  t.deepEqual(begun().crashed(1).orders().slice(0, 1), ['0s serve #2']);
  const slow = begun().wait(2000);
  t.deepEqual(slow.orders(), ['1s serve #2']);
  t.deepEqual(slow.ready(1).orders(), ['2s drain #2 (scale)'], 'and no more serve than were asked for');
});

test('where more have died than stood by, the next one to listen is not held either', (t) => {
  const story = withStandby().crashed(1, 2).tell(binding(4), binding(5));
  t.deepEqual(
    story.orders().filter((order) => order.includes('serve')),
    ['0s serve #3', '0s serve #4'],
  );
  t.deepEqual(story.ready(5, 4).orders(), []);
  t.deepEqual(story.workers, ['#3 ready', '#4 ready', '#5 standby']);
});

test('a fault does, too: not even the only worker has to serve on', (t) => {
  const story = booting(1, { standby: 1 }).ready(1, 2).forget().faulted(1).wait(100);
  t.deepEqual(story.orders(), ['0s drain #1 (fault)', '0s serve #2', '0.1s spawn #3 in slot 0, generation 1']);
});

test('beyond the restart intensity a faulty worker serves on, and the standby is kept for a death', (t) => {
  const story = booting(1, { standby: 1, intensity: { restarts: 1, withinMs: 60_000 } })
    .ready(1, 2)
    .faulted(1)
    .wait(100)
    .ready(3);
  t.deepEqual(story.left(1).forget().faulted(2).orders(), []);
  t.is(story.worker(2)?.phase, 'tainted');
  t.deepEqual(story.crashed(2).orders(), ['0.1s serve #3']);
  t.deepEqual(story.forget().wait(100).orders(), ['0.2s spawn #4 in slot 1, generation 1']);
});

test('a recycled worker is relieved by the one on standby', (t) => {
  t.deepEqual(withStandby().tell(recycle(1)).orders().slice(0, 2), ['0s serve #3', '0s drain #1 (recycle)']);
});

test('a reload renews those on standby as well', (t) => {
  const plan = { surge: 3, rollback: true, readyTimeoutMs: 5000, canary: undefined };
  const story = withStandby().tell({ type: 'reload-asked', generation: 2, plan }).forget().ready(4, 5, 6);
  t.deepEqual(story.left(1, 2, 3).workers, ['#4 ready', '#5 ready', '#6 standby']);
});

test('a faulty worker on standby is replaced before it is needed', (t) => {
  const story = withStandby().wait(100).faulted(3);
  t.deepEqual(story.orders(), ['0.1s drain #3 (fault)', '0.1s spawn #4 in slot 2, generation 1']);
});

test('where every worker is faulty, faulty ones serve', (t) => {
  const story = booting(1, { standby: 1 }).faulted(1, 2).forget().ready(1);
  t.deepEqual(story.orders()[0], '0s serve #1');
});
