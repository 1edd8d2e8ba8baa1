import test from 'ava';
import fc from 'fast-check';
import type { Event } from '../../../supervisor/event.js';
import { Tally } from '../../../supervisor/metrics/tally.js';
import { narrate } from '../../../supervisor/narrate.js';
import { emptyFleet } from '../../../supervisor/state.js';
import { Supervisor } from '../../../supervisor/supervisor.js';
import type { Beat } from '../../../worker/protocol.js';
import { FakeHost, policy } from '../../support/story.js';

const told = (count: number, more: Partial<Beat> = {}): Beat => ({
  requests: [{ method: 'GET', status: '2xx', count }],
  durations: [{ counts: [count], sumMs: count }],
  served: count,
  heapShare: 0.1,
  failed: 0,
  inFlight: 0,
  connections: 0,
  lagMs: 0,
  utilization: 0,
  heap: 0,
  rss: 0,
  cpuMs: count,
  ...more,
});

/** A fleet whose every turn the tally observes. */
function observed(size: number): { tally: Tally; tell: (...events: Event[]) => void } {
  const tally = new Tally();
  const supervisor = new Supervisor(new FakeHost(), emptyFleet(size, 0), policy, (...turn) => {
    narrate(...turn);
    tally.observe(...turn);
  });
  const tell = (...events: Event[]): void => {
    for (const event of events) supervisor.tell(event);
  };
  tell({ type: 'time-passed' });
  return { tally, tell };
}

type Exited = Extract<Event, { type: 'exited' }>;

const exited = (id: number, code: number | null, signal: string | null = null): Exited => ({
  type: 'exited',
  id,
  code,
  signal,
});

test('no counter ever falls, whatever workers tell and whenever they go', (t) => {
  const step = fc.record({
    id: fc.integer({ min: 1, max: 4 }),
    more: fc.integer({ min: 0, max: 9 }),
    goes: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { tally } = observed(4);
      const counts = new Map<number, number>();
      let before = 0;
      let all = 0;
      for (const { id, more, goes } of steps) {
        counts.set(id, (counts.get(id) ?? 0) + more);
        all += more;
        tally.beat(id, id % 2, told(counts.get(id) ?? 0), 0);
        if (goes) {
          tally.gone(id);
          counts.delete(id);
        }
        const snapshot = tally.snapshot(0);
        const [requests] = snapshot?.requests ?? [];
        const [durations] = snapshot?.durations ?? [];
        const cpu = [...(snapshot?.cpuMs.values() ?? [])].reduce((sum, one) => sum + one, 0);
        t.true((requests?.count ?? 0) >= before);
        before = requests?.count ?? 0;
        if (before !== all || durations?.sumMs !== all || cpu !== all) return false;
      }
      return true;
    }),
  );
});

test('restarts are counted by why the worker before them went', (t) => {
  const { tally, tell } = observed(2);
  tell({ type: 'ready', id: 1 }, { type: 'ready', id: 2 });
  tell({ type: 'faulted', id: 1 });
  tell({ type: 'ready', id: 3 }, exited(1, 81));
  tell(exited(2, null, 'SIGKILL'));
  t.like(Object.fromEntries(tally.snapshot(0)?.restarts ?? []), { fault: 1, died: 1 });
});

test('a tainted worker\u2019s successor is counted as its fault\u2019s', (t) => {
  const { tally, tell } = observed(1);
  tell({ type: 'ready', id: 1 }, { type: 'faulted', id: 1 });
  t.is(tally.snapshot(0)?.restarts.get('fault'), 1);
});

test('what was open in a worker that died is lost; what a drained one had is not', (t) => {
  const { tally, tell } = observed(2);
  tell({ type: 'ready', id: 1 }, { type: 'ready', id: 2 });
  tell({ ...exited(1, null, 'SIGKILL'), had: { requests: 5, connections: 9 } });
  t.is(tally.snapshot(0)?.lost.get('died'), 5);
  tell({ type: 'ready', id: 3 }, { type: 'faulted', id: 2 });
  tell({ ...exited(2, 81), had: { requests: 3, connections: 3 } });
  t.is(tally.snapshot(0)?.lost.get('died'), 5);
});

test('routes have a bound, over all workers and all time', (t) => {
  const { tally } = observed(1);
  for (let id = 1; id <= 100; id++) {
    const routes = Array.from({ length: 100 }, (_, index) => `/${id}/${index}`);
    const requests = routes.map((route) => ({ method: 'GET', status: '2xx', route, count: 1 }));
    const durations = routes.map((route) => ({ route, counts: [1], sumMs: 1 }));
    tally.beat(id, 0, told(0, { requests, durations }), 0);
    tally.gone(id);
  }
  const { requests = [], durations = [] } = tally.snapshot(0) ?? {};
  t.true(requests.length <= 2001, `${requests.length}`);
  t.true(durations.length <= 201, `${durations.length}`);
  t.is(
    requests.reduce((sum, { count }) => sum + count, 0),
    10_000,
  );
});
