import test from 'ava';
import { Allowance } from '../../worker/allowance.js';

/** A way on which one arrives so long after the one before it. Returns what lets so many arrive, and tells how many were under way. */
function way(): (everyMs: number, arrivals: number) => { first: number; last: number } {
  const allowance = new Allowance();
  let now = 0;
  let underWay = 0;
  return (everyMs, arrivals) => {
    let first = 0;
    for (let i = 0; i < arrivals; i++) {
      for (; allowance.room > 0; underWay++) allowance.began(now);
      if (i === 0) first = underWay;
      now += everyMs;
      allowance.arrived(now);
      underWay--;
    }
    return { first, last: underWay + 1 };
  };
}

test('where connections arrive at once, as many are on their way as Node has use for', (t) => {
  t.is(way()(0.1, 500).last, 64);
});

test('where they arrive one by one in long turns, few are on their way, and none waits long', (t) => {
  const run = way();
  t.deepEqual(run(50, 30), { first: 16, last: 4 });
});

test('what has been slow may be fast again', (t) => {
  const run = way();
  run(500, 50);
  t.is(run(0.1, 500).last, 64);
});

test('others are looked for when few are on their way', (t) => {
  const allowance = new Allowance();
  t.true(allowance.isLow);
  while (allowance.room > 0) allowance.began(0);
  t.false(allowance.isLow);
  while (!allowance.isLow) allowance.arrived(1);
  t.true(allowance.room > 0);
});
