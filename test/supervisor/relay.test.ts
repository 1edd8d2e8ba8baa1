// Connections in the supervisor, on their way from one worker to another.
import test from 'ava';
import { Relay } from '../../supervisor/handover.js';
import { emptyFleet, type Fleet, NONE, UNHEARD, type Worker } from '../../supervisor/state.js';
import type { ToWorker } from '../../worker/protocol.js';

const ready = (id: number): Worker => ({
  id,
  slot: id - 1,
  generation: 1,
  addresses: [],
  count: NONE,
  vitals: UNHEARD,
  phase: 'ready',
  since: 0,
});
const moved = { key: ':80:4::0', fresh: false, requests: 0 };

function world(...ids: number[]) {
  let fleet: Fleet = { ...emptyFleet(2), workers: ids.map(ready) };
  const sent: { to: number; message: ToWorker }[] = [];
  const closed: string[] = [];
  const relay: Relay = new Relay(
    () => fleet,
    (to, message) => sent.push({ to, message }),
    () => {},
  );
  return {
    relay,
    closed,
    handle: (name: string) => ({ close: () => closed.push(name) }),
    hang: (id: number) => {
      const vitals = { heardAt: 0, stuck: { step: 'asked', until: 1 } } as const;
      fleet = { ...fleet, workers: fleet.workers.map((one) => (one.id === id ? { ...one, vitals } : one)) };
    },
    serve: (...now: number[]) => {
      fleet = { ...fleet, workers: now.map(ready) };
      relay.observe();
    },
    stop: () => {
      fleet = { ...fleet, goal: 'stop' };
      relay.observe();
    },
    told: (type: ToWorker['type']) => sent.flatMap(({ to, message }) => (message.type === type ? [to] : [])),
    asked: () => sent.flatMap(({ to, message }) => (message.type === 'pass-on' ? [{ to, count: message.count }] : [])),
    given: () => sent.flatMap(({ to, message }) => (message.type === 'take-over' ? [{ to, seq: message.seq }] : [])),
  };
}

test('what only its giver could take waits for another, and keeps nobody busy', (t) => {
  const { relay, handle, serve, given, closed } = world(1);
  relay.take(1, 1, moved, handle('one'));
  relay.take(1, 2, moved, handle('two'));
  for (let turn = 0; turn < 3; turn++) relay.observe();
  t.deepEqual(given(), []);
  serve(1, 2);
  t.deepEqual(
    given().map(({ to }) => to),
    [2, 2],
  );
  for (const { seq } of given()) relay.taken(seq, true);
  t.deepEqual(closed, ['one', 'two'], 'and the copy here is closed when it has been taken');
});

test('a giver hears once of each connection that is in service again, and of none before', (t) => {
  const { relay, handle, given, told, serve } = world(1, 2);
  relay.take(1, 1, moved, handle('one'));
  relay.take(1, 2, moved, handle('two'));
  t.deepEqual(told('arrived'), []);
  const [one, two] = given();
  relay.taken(one?.seq ?? 0, false);
  t.deepEqual(told('arrived'), [], 'it is still on its way');
  relay.taken(two?.seq ?? 0, true);
  relay.taken(given()[2]?.seq ?? 0, true);
  t.deepEqual(told('arrived'), [1, 1]);
  relay.take(1, 3, moved, handle('three'));
  serve(2);
  relay.taken(given()[3]?.seq ?? 0, true);
  t.deepEqual(told('arrived'), [1, 1], 'nobody is told who is gone');
});

test('what a worker will not take goes to another, and what dies with a worker too', (t) => {
  const { relay, handle, given, closed } = world(1, 2, 3);
  relay.take(1, 1, moved, handle('one'));
  relay.taken(given()[0]?.seq ?? 0, false);
  t.deepEqual(
    given().map(({ to }) => to),
    [2, 3],
  );
  relay.gone(3);
  t.deepEqual(closed, [], 'it waits for somebody new');
});

test('nobody is handed to a worker that is stuck', (t) => {
  const { relay, handle, hang, given } = world(1, 2, 3);
  hang(2);
  for (let seq = 1; seq <= 4; seq++) relay.take(1, seq, moved, handle(String(seq)));
  t.deepEqual([...new Set(given().map(({ to }) => to))], [3]);
});

test('in a fleet that stops, what is on its way goes to whoever is left, and to its giver what has only arrived', (t) => {
  const { relay, handle, stop, given, closed, told } = world(1);
  relay.take(1, 1, moved, handle('waits'));
  stop();
  t.deepEqual(told('keep'), [1], 'nobody hands over any more');
  t.deepEqual(
    given().map(({ to }) => to),
    [1],
  );
  relay.take(1, 2, moved, handle('arrives'));
  t.deepEqual(told('returned'), [1]);
  t.deepEqual(closed, ['arrives'], 'the copy here');
  relay.gone(1);
  t.deepEqual(closed, ['arrives', 'waits'], 'where nobody is left');
});

test('where nobody else will have a connection, its giver has it back', (t) => {
  const { relay, handle, given } = world(1, 2);
  relay.take(1, 1, moved, handle('one'));
  relay.gone(2);
  t.deepEqual(
    given().map(({ to }) => to),
    [2, 1],
  );
});

test('a fleet that has an heir passes everything on', (t) => {
  const followed = world(1);
  const passed: unknown[] = [];
  followed.relay.take(1, 1, moved, followed.handle('one'));
  followed.relay.follow((what) => passed.push(what));
  followed.stop();
  followed.relay.take(1, 2, moved, followed.handle('two'));
  t.deepEqual(passed, [moved, moved]);
  t.deepEqual(followed.closed, []);
});

test('a worker that begins to serve is passed its share at once, before anybody counts again', (t) => {
  const { relay, serve, asked } = world(1, 2);
  relay.observe();
  relay.held(1, 20);
  relay.held(2, 20);
  serve(1, 2, 3);
  t.deepEqual(asked(), [
    { to: 1, count: 6 },
    { to: 2, count: 6 },
  ]);
  serve(1, 2, 3);
  t.is(asked().length, 2, 'and once');
});
