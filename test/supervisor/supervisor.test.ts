import test from 'ava';
import type { Event } from '../../supervisor/event.js';
import { emptyFleet } from '../../supervisor/state.js';
import { Supervisor } from '../../supervisor/supervisor.js';
import { FakeHost, policy } from '../support/story.js';

test('what an order brings in waits its turn', (t) => {
  const host = new FakeHost();
  const turns: string[] = [];
  const supervisor = new Supervisor(host, emptyFleet(2), policy, (event, before, after, effects) => {
    turns.push(`${event.type}: ${before.workers.length} → ${after.workers.length}, ${effects.length} orders`);
  });
  host.onEffect = (effect) => {
    if (effect.type === 'spawn') supervisor.tell({ type: 'ready', id: effect.id });
  };
  supervisor.tell({ type: 'time-passed' });
  t.deepEqual(turns, ['time-passed: 0 → 2, 2 orders', 'ready: 2 → 2, 0 orders', 'ready: 2 → 2, 0 orders']);
  t.deepEqual(
    supervisor.fleet.workers.map(({ phase }) => phase),
    ['ready', 'ready'],
  );
});

test('a fork that fails at once, again and again, is slowed down and ends no loop', (t) => {
  const host = new FakeHost();
  const supervisor = new Supervisor(host, emptyFleet(1), policy);
  host.onEffect = (effect) => {
    if (effect.type === 'spawn') supervisor.tell({ type: 'exited', id: effect.id, code: null, signal: null });
  };
  supervisor.tell({ type: 'time-passed' });
  host.advanceTo(60_000);
  t.deepEqual(
    host.performed.map(({ at }) => at / 1000),
    [0, 0, 1, 3, 7, 15, 23, 31, 39, 47, 55],
  );
});

test('one timer, for the next thing that is due, and none where nothing is', (t) => {
  const host = new FakeHost();
  const supervisor = new Supervisor(host, emptyFleet(2), policy);
  const tell = (...events: Event[]): number | undefined => {
    for (const event of events) supervisor.tell(event);
    return host.alarmAt;
  };
  t.is(tell({ type: 'time-passed' }), 10_000);
  t.is(tell({ type: 'ready', id: 1 }, { type: 'ready', id: 2 }), undefined);
  t.is(tell({ type: 'faulted', id: 1 }), 10_000, 'the boot of its successor');
  t.is(tell({ type: 'ready', id: 3 }), 32_000, 'its kill timer');
  t.is(tell({ type: 'exited', id: 1, code: 81, signal: null }), undefined);
});
