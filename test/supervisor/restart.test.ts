import test from 'ava';
import { backoff, budgetAt, calmAt, hasBudget, recent } from '../../supervisor/restart.js';
import { policy } from '../support/story.js';

const shape = { minMs: 100, maxMs: 30_000, factor: 2, jitter: 0.2 };
const waits = Array.from({ length: 200 }, (_, seed) => backoff(5, seed, shape));

test('one failure is no pattern; after that the wait doubles up to the cap', (t) => {
  const plain = { ...shape, jitter: 0 };
  t.deepEqual(
    [0, 1, 2, 3, 4, 10, 11, 5000].map((failures) => backoff(failures, 1, plain)),
    [0, 0, 100, 200, 400, 25_600, 30_000, 30_000],
  );
});

test('jitter keeps slots that fail together from coming back together, within its bounds', (t) => {
  t.true(waits.every((wait) => wait >= 640 && wait <= 960));
  t.true(Math.min(...waits) < 660 && Math.max(...waits) > 940);
  t.is(new Set(waits.map(Math.round)).size > 100, true);
  t.is(backoff(5, 7, shape), backoff(5, 7, shape), 'a story can be told twice');
});

test('the cap holds with jitter too', (t) => {
  t.true(Array.from({ length: 200 }, (_, seed) => backoff(50, seed, shape)).every((wait) => wait <= 30_000));
});

test('no wait is no wait, however often it failed', (t) => {
  t.is(backoff(5000, 1, { ...shape, minMs: 0 }), 0);
});

test('the budget comes back as restarts are forgotten, in the same instant by every measure', (t) => {
  const small = { ...policy, intensity: { restarts: 3, withinMs: 0.3 } };
  for (let start = 0; start < 100; start += 0.1) {
    const restarts = [start, start, start];
    t.false(hasBudget(restarts, start, small));
    const at = budgetAt(restarts, small);
    t.true(hasBudget(restarts, at, small));
    t.deepEqual(recent(restarts, at, small), []);
  }
});

test('calm is when at most half is remembered', (t) => {
  t.is(calmAt([0, 1, 2, 3, 4], policy), Number.NEGATIVE_INFINITY);
  t.is(calmAt([0, 1, 2, 3, 4, 5], { ...policy, intensity: { restarts: 6, withinMs: 100 } }), 102);
  t.is(calmAt([7], { ...policy, intensity: { restarts: 1, withinMs: 100 } }), 107);
});
