// From the fleet's life to the lines of sd_notify(3).
import test from 'ava';
import { type Circumstances, nothingTold, speak, type Told, type Words } from '../../../supervisor/systemd/words.js';
import { booting, Story, serving } from '../../support/story.js';

const circumstances: Circumstances = {
  incidents: 0,
  reloading: false,
  leaving: false,
  maintenance: false,
  quorum: 2,
  served: true,
  bootMs: 12_000,
  stopMs: 24_000,
  monotonicUsec: 5n,
};

function listener(): (story: Story, changes?: Partial<Circumstances>) => readonly Words[] {
  let told: Told = nothingTold;
  return (story, changes = {}) => {
    const speech = speak(told, story.fleet, { ...circumstances, ...changes });
    told = speech.told;
    return speech.words;
  };
}

test('READY comes with the quorum, once, and each step of a boot asks for more time', (t) => {
  const said = listener();
  const story = booting(2);
  t.deepEqual(said(story), [{ EXTEND_TIMEOUT_USEC: '12000000', STATUS: '0/2 ready, generation 1' }]);
  t.deepEqual(said(story), []);
  t.deepEqual(said(story.ready(1)), [{ EXTEND_TIMEOUT_USEC: '12000000', STATUS: '1/2 ready, generation 1' }]);
  t.deepEqual(said(story.ready(2)), [{ READY: '1', STATUS: '2/2 ready, generation 1' }]);
  t.deepEqual(said(story.crashed(1)), [{ STATUS: '1/2 ready, generation 1' }]);
  t.deepEqual(said(story.wait(2000).ready(3)), [{ STATUS: '2/2 ready, generation 1' }]);
});

test('who stands by is not missed, and a quorum below all is enough', (t) => {
  t.like(listener()(new Story(2, { standby: 1 }).ready(1, 2))[0], { READY: '1', STATUS: '2/2 ready, generation 1' });
  t.like(listener()(booting(4).ready(1, 2))[0], { READY: '1', STATUS: '2/4 ready, generation 1' });
});

test('maintenance is in the status', (t) => {
  t.like(listener()(serving(2), { maintenance: true })[0], { STATUS: '2/2 ready, generation 1, maintenance' });
});

test('READY waits for somebody who serves every socket of the unit', (t) => {
  const said = listener();
  const story = serving(2);
  const waiting = said(story, { served: false });
  t.is(waiting[0]?.['READY'], undefined);
  t.regex(waiting[0]?.['STATUS'] ?? '', /waiting for a worker that serves every socket/);
  t.is(said(story)[0]?.['READY'], '1');
});

test('STOPPING comes once, and each worker that leaves asks for more time', (t) => {
  const said = listener();
  const story = serving(2);
  said(story);
  const stopping = said(story.tell({ type: 'stop-asked' }));
  t.deepEqual(stopping, [{ STOPPING: '1', EXTEND_TIMEOUT_USEC: '24000000', STATUS: 'stopping: 2 workers left' }]);
  t.deepEqual(said(story.left(1)), [{ EXTEND_TIMEOUT_USEC: '24000000', STATUS: 'stopping: 1 worker left' }]);
  t.deepEqual(said(story.left(2)), [{ EXTEND_TIMEOUT_USEC: '24000000', STATUS: 'stopped' }]);
});

test('a stop that waits is told at once, and the fleet serves on', (t) => {
  const said = listener();
  const story = serving(2);
  said(story);
  t.deepEqual(said(story, { leaving: true }), [
    { STOPPING: '1', EXTEND_TIMEOUT_USEC: '24000000', STATUS: '2/2 ready, generation 1, stopping soon' },
  ]);
  const then = said(story.tell({ type: 'stop-asked' }), { leaving: true });
  t.deepEqual(then, [{ STATUS: 'stopping: 2 workers left' }]);
});

test('a stop before the fleet was ready never says READY', (t) => {
  const said = listener();
  const story = booting(2);
  said(story);
  const all = [story.tell({ type: 'stop-asked' }), story.ready(1, 2), story.left(1, 2)].flatMap((one) => said(one));
  t.true(all.some((words) => words['STOPPING'] === '1'));
  t.false(all.some((words) => 'READY' in words));
});

test('RELOADING carries the monotonic clock, and READY ends it', (t) => {
  const said = listener();
  const story = serving(2);
  said(story);
  t.deepEqual(said(story, { reloading: true }), [
    { RELOADING: '1', MONOTONIC_USEC: '5', STATUS: '2/2 ready, generation 1, reloading' },
  ]);
  t.deepEqual(said(story, { reloading: true }), []);
  t.deepEqual(said(story), [{ READY: '1', STATUS: '2/2 ready, generation 1' }]);
});

test('incidents and a degraded fleet stand in the status', (t) => {
  const said = listener();
  const story = serving(2);
  t.is(said(story, { incidents: 1 })[0]?.['STATUS'], '2/2 ready, generation 1, 1 incident');
  for (const id of [1, 3, 4]) story.crashed(id).wait(10_000);
  t.true(story.fleet.degraded);
  t.regex(said(story, { incidents: 2 })[0]?.['STATUS'] ?? '', /generation 1, 2 incidents, degraded/);
});
