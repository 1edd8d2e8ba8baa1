// The way out of a faulty worker: its others are answered, its successor is there before it is gone, and it goes in time. Connections
// stay where they are in here; `handover.test.ts` is about those which move.
import test, { type ExecutionContext } from 'ava';
import { type Answer, ask, bytesOf, Connection, type Outcome } from '../support/client.js';
import { type Fleet, fixture, startFleet } from '../support/fleet.js';
import { until } from '../support/until.js';

async function start(
  t: ExecutionContext,
  workers: number,
  ...args: string[]
): Promise<{ fleet: Fleet; target: { port: number } }> {
  const fleet = startFleet(t, [fixture('process/busy.mjs'), '-w', String(workers), ...args], {
    env: { CORDON_HAND_OVER: 'false' },
  });
  const target = { port: await fleet.port() };
  await fleet.ready();
  return { fleet, target };
}

function answered(outcome: Outcome): Answer {
  if (outcome.became !== 'answered') throw new Error(outcome.why);
  return outcome;
}

/** A connection that is kept, and the process that holds it. */
async function kept(t: ExecutionContext, target: { port: number }): Promise<{ connection: Connection; pid: string }> {
  const connection = new Connection(t, target);
  const { headers } = answered(await connection.ask('/ok'));
  return { connection, pid: headers['x-pid'] ?? '' };
}

const indexOf = (fleet: Fleet, saying: RegExp): number => fleet.lines.findIndex(({ msg }) => saying.test(msg));

test('one worker alone serves on, tainted, until its successor is ready; then it drains and leaves with 81', async (t) => {
  const { fleet, target } = await start(t, 1);
  const { connection: slow } = await kept(t, target);
  const { connection: idle, pid } = await kept(t, target);
  const { connection: failing } = await kept(t, target);
  const post = bytesOf({ path: '/whole', body: 'whole' });
  slow.send(post.slice(0, -1));
  t.is(answered(await failing.ask('/fail/timer')).status, 500);
  t.true(await failing.closed);

  t.log('nobody is refused while the successor boots');
  const served: string[] = [];
  await until('worker 2 is ready', async () => {
    served.push(answered(await ask(t, target, '/ok')).headers['x-pid'] ?? '');
    return indexOf(fleet, /^worker 2 is ready/) !== -1;
  });
  t.is(served[0], pid);
  await fleet.line(/^worker 1 drains/);

  t.log('a kept connection is answered once more, and told that it was the last time');
  // The log says that it drains a moment before the worker hears of it.
  const last = await until('an answer that is the last', async () => {
    const one = answered(await idle.ask('/ok'));
    return one.headers['connection'] === 'close' && one;
  });
  t.is(last.headers['x-pid'], pid);
  t.true(await idle.closed);
  t.not(answered(await ask(t, target, '/ok')).headers['x-pid'], pid);
  slow.send(post.slice(-1));
  const { status, headers } = answered(await slow.answer('POST'));
  t.is(status, 200);
  t.is(headers['connection'], 'close');
  await fleet.line(/^worker 1 is gone \(exit code 81\): an error that nobody caught/);

  const order = [
    /is faulty and cannot be spared/,
    /^worker 2 starts/,
    /^worker 2 is ready/,
    /^worker 1 drains/,
    /^worker 1 is gone/,
  ];
  const places = order.map((saying) => indexOf(fleet, saying));
  t.deepEqual(
    places,
    places.toSorted((a, b) => a - b),
  );
  t.is(await fleet.stop(), 0);
});

test('where another worker is ready the faulty one drains at once, and its successor starts before it is gone', async (t) => {
  const { fleet, target } = await start(t, 2);
  const { connection: slow, pid } = await kept(t, target);
  const failing: Connection[] = [];
  await until(
    'a connection of the same worker',
    async () => {
      const one = await kept(t, target);
      failing.push(one.connection);
      return one.pid === pid;
    },
    0,
  );
  const answer = slow.ask('/slow?ms=500');
  t.is(answered(await (failing.at(-1) as Connection).ask('/fail/timer')).status, 500);
  for (const connection of failing) connection.close();
  const { worker } = await fleet.line(/drains .*an error that nobody caught/);
  t.is(answered(await answer).status, 200);
  t.is(String((await fleet.line(new RegExp(`^worker ${worker} is gone \\(exit code 81\\)`))).pid), pid);
  t.true(indexOf(fleet, /^worker 3 starts/) < indexOf(fleet, new RegExp(`^worker ${worker} is gone`)));
  t.is(indexOf(fleet, /cannot be spared/), -1);
  t.is(await fleet.stop(), 0);
});

test('an idle kept connection is waited on for the linger, and then closed', async (t) => {
  const fleet = startFleet(t, [fixture('process/busy.mjs'), '-w', '1'], {
    env: { CORDON_HAND_OVER: 'false', CORDON_STOP_LINGER: '300ms' },
  });
  const target = { port: await fleet.port() };
  await fleet.ready();
  const { connection } = await kept(t, target);
  await ask(t, target, '/fail/timer');
  await fleet.line(/^worker 1 drains/);
  const drains = performance.now();
  t.true(await connection.closed);
  t.true(performance.now() - drains > 200, 'the client had time for one more request');
  await fleet.line(/^worker 1 is gone \(exit code 81\)/);
  t.is(await fleet.stop(), 0);
});

test('the kill timer answers 503 where it can, breaks off the rest, names both, and exits 82', async (t) => {
  const { fleet, target } = await start(t, 1, '--kill-timeout', '500ms');
  const { connection: never } = await kept(t, target);
  const { connection: half } = await kept(t, target);
  const cut = never.ask({ path: '/never?who', headers: { 'x-request-id': 'waiting' } });
  const broken = half.ask('/half');
  await ask(t, target, '/fail/timer');
  const { status, headers, body } = answered(await cut);
  t.is(status, 503);
  t.is(headers['connection'], 'close');
  t.deepEqual(JSON.parse(body), { error: 'Service Unavailable', requestId: 'waiting' });
  t.is((await broken).became, 'broken');
  const line = await fleet.line(/^worker 1 was out of time with 2 requests open: 1 answered 503, 1 broken off/);
  t.regex(line.msg, /GET \/never\?who/);
  t.regex(line.msg, /GET \/half/);
  await fleet.line(/^worker 1 is gone \(exit code 82\)/);
  t.is(await fleet.stop(), 0);
});

test('a faulty worker whose loop is blocked is killed a little after its kill timer', async (t) => {
  const { fleet, target } = await start(t, 1, '--kill-timeout', '300ms');
  const { connection } = await kept(t, target);
  const failed = ask(t, target, '/fail/timer');
  t.is(answered(await failed).status, 500);
  const blocked = connection.ask('/block?ms=60000');
  await fleet.line(/^worker 1 is killed/);
  t.is((await blocked).became, 'broken');
  await fleet.line(/^worker 1 is gone, killed/);
  t.is(answered(await ask(t, target, '/ok')).status, 200);
  t.is(await fleet.stop(), 0);
});
