// What a supervisor has counted goes to its successor: all of it, and nothing twice.
import test from 'ava';
import { legacyOf } from '../../../supervisor/metrics/legacy.js';
import { Tally } from '../../../supervisor/metrics/tally.js';
import { emptyFleet } from '../../../supervisor/state.js';
import type { Beat } from '../../../worker/protocol.js';

function tally(): Tally {
  const made = new Tally();
  made.observe({ type: 'time-passed' }, emptyFleet(1), emptyFleet(1), [], 0);
  return made;
}

const beat = (count: number): Beat =>
  ({
    served: count,
    failed: 0,
    inFlight: 0,
    connections: 0,
    lagMs: 0,
    utilization: 0,
    rss: 0,
    heapUsed: 0,
    heapTotal: 0,
    heapLimit: 0,
    cpuMs: 0,
    requests: [{ method: 'GET', status: '2xx', count }],
    durations: [{ counts: [count, 0], sumMs: count * 2 }],
    measures: false,
  }) as unknown as Beat;

test('what came before a takeover and what came after add up', (t) => {
  const old = tally();
  old.beat(1, 0, beat(10), 0);
  old.errors(3, false);
  const successor = tally();
  const first = legacyOf(old.snapshot(0));
  successor.inherit(first);
  successor.beat(1, 0, beat(5), 0);
  const told = legacyOf(old.snapshot(0));

  old.beat(1, 0, beat(14), 1);
  old.errors(1, false);
  old.handedOver(2);
  successor.inherit(legacyOf(old.snapshot(1), told));

  const now = successor.snapshot(1);
  t.deepEqual(now?.requests, [{ method: 'GET', status: '2xx', count: 19 }]);
  t.deepEqual(now?.durations, [{ counts: [19, 0], sumMs: 38 }]);
  t.is(now?.faults, 4);
  t.is(now?.handOvers, 2);
});

test('nothing new is nothing to tell', (t) => {
  const old = tally();
  old.beat(1, 0, beat(10), 0);
  const { requests, durations, faults } = legacyOf(old.snapshot(0), legacyOf(old.snapshot(0)));
  t.deepEqual([requests, durations, faults], [[], [], 0]);
});
