// A connection outlives the worker that holds it: idle, it is handed over unread to one that serves. What idle means is where
// requests would be lost or smuggled, so each way to be wrong about it is a test.
import { readdirSync, readlinkSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { type Answer, bytesOf, Connection, type Outcome } from '../support/client.js';
import { type Fleet, fixture, startFleet } from '../support/fleet.js';
import { inTime, until } from '../support/until.js';

interface Started {
  readonly fleet: Fleet;
  readonly target: { readonly port: number };
}

async function start(t: ExecutionContext, env: NodeJS.ProcessEnv = {}, workers = 2): Promise<Started> {
  const fleet = startFleet(t, [fixture('process/kept.mjs'), '-w', String(workers)], {
    env: { CORDON_BALANCE: 'false', ...env },
  });
  const target = { port: await fleet.port() };
  await fleet.ready();
  return { fleet, target };
}

function answered(outcome: Outcome): Answer {
  if (outcome.became !== 'answered') throw new Error(`${outcome.why}: ${outcome.text}`);
  return outcome;
}

const pidOf = (answer: Answer): string => answer.headers['x-pid'] ?? '';

/** A connection that has been served once, and the process that holds it. */
async function kept(t: ExecutionContext, { target }: Started): Promise<{ connection: Connection; pid: string }> {
  const connection = new Connection(t, target);
  return { connection, pid: pidOf(answered(await connection.ask('/connection'))) };
}

/** A connection of this worker's. */
async function keptBy(t: ExecutionContext, started: Started, pid: string): Promise<Connection> {
  return until(
    `a connection of process ${pid}`,
    async () => {
      const one = await kept(t, started);
      if (one.pid === pid) return one.connection;
      one.connection.close();
      return undefined;
    },
    0,
  );
}

async function keptElsewhere(t: ExecutionContext, started: Started, pid: string): ReturnType<typeof kept> {
  for (;;) {
    const one = await kept(t, started);
    if (one.pid !== pid) return one;
    one.connection.close();
  }
}

/** Asks until another worker answers; each answer is whole. */
async function moved(connection: Connection, pid: string): Promise<void> {
  await until(
    `another process than ${pid} answers`,
    async () => pidOf(answered(await connection.ask('/connection'))) !== pid,
    0,
  );
}

/** Makes this worker fail, and waits until connections that were idle then are in other hands. */
async function fail(t: ExecutionContext, started: Started, pid: string): Promise<void> {
  const probe = await keptBy(t, started, pid);
  const failing = await keptBy(t, started, pid);
  t.is(answered(await failing.ask('/fail/timer')).status, 500);
  failing.close();
  await moved(probe, pid);
  probe.close();
}

async function gone({ fleet }: Started, pid: string): Promise<void> {
  await fleet.line(({ msg, pid: of }) => String(of) === pid && /is gone \(exit code 81\)/.test(msg));
}

interface Seen {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly announced: boolean;
  readonly connections: number;
}

test('an idle connection goes on in another worker, and its program sees it as one that it accepted', async (t) => {
  const started = await start(t);
  const { connection, pid } = await kept(t, started);
  await fail(t, started, pid);
  await gone(started, pid);
  const after = answered(await connection.ask('/connection'));
  t.not(pidOf(after), pid);
  t.like(await started.fleet.line(/has handed over \d+ connections?, which other workers serve$/), {
    event: 'hand-over',
  });
  t.is(after.headers['connection'], 'keep-alive');
  const seen = JSON.parse(after.body) as Seen;
  t.is(seen.remotePort, connection.localPort ?? 0);
  t.is(seen.remoteAddress.replace('::ffff:', ''), '127.0.0.1');
  t.true(seen.announced);
  t.true(seen.connections >= 1);
  connection.close();
  t.is(await started.fleet.stop(), 0);
});

test('a busy one is answered where it is, without Connection: close, and handed over then', async (t) => {
  const started = await start(t);
  const { connection, pid } = await kept(t, started);
  const slow = connection.ask('/slow?ms=500');
  await fail(t, started, pid);
  const answer = answered(await slow);
  t.is(answer.headers['connection'], 'keep-alive');
  t.not(pidOf(answered(await connection.ask('/connection'))), pid);
  await gone(started, pid);
  connection.close();
  t.is(await started.fleet.stop(), 0);
});

test('a stop amid a hand-over takes no connection from its client: a busy one hears that it ends, an idle one is answered', async (t) => {
  const started = await start(t);
  const { connection: busy, pid } = await kept(t, started);
  const idle = await keptBy(t, started, pid);
  const post = bytesOf({ path: '/whole', body: 'whole' });
  busy.send(post.slice(0, -1));
  await fail(t, started, pid);
  const stopped = started.fleet.stop();
  await started.fleet.line(({ msg }) => msg.startsWith('stopping'));
  t.not(pidOf(answered(await idle.ask('/connection'))), pid);
  busy.send(post.slice(-1));
  t.is(answered(await busy.answer('POST')).headers['connection'], 'close');
  t.is(await stopped, 0);
});

test('what is pipelined behind a running request is answered in its order, where it was read', async (t) => {
  const started = await start(t);
  const { connection, pid } = await kept(t, started);
  const asked = ['/slow?ms=500', '/connection', '/slow?ms=100', '/connection'];
  connection.send(asked.map((path) => bytesOf({ path })).join(''));
  await fail(t, started, pid);
  t.is(answered(await connection.answer()).body, 'ok\n');
  t.is(pidOf(answered(await connection.answer())), pid);
  t.is(answered(await connection.answer()).body, 'ok\n');
  t.is(pidOf(answered(await connection.answer())), pid);
  t.not(pidOf(answered(await connection.ask('/connection'))), pid);
  connection.close();
  t.is(await started.fleet.stop(), 0);
});

test('half a head that was read stays with its reader: the request is answered whole', async (t) => {
  const started = await start(t);
  const { connection, pid } = await kept(t, started);
  const bytes = bytesOf({ path: '/connection', headers: { 'x-marked': 'yes' } });
  connection.send(bytes.slice(0, 25));
  await fail(t, started, pid);
  connection.send(bytes.slice(25));
  t.is(pidOf(answered(await connection.answer())), pid);
  t.not(pidOf(answered(await connection.ask('/connection'))), pid);
  connection.close();
  t.is(await started.fleet.stop(), 0);
});

test('the rest of a body whose request was answered early is never read as a request', async (t) => {
  const started = await start(t);
  const { connection, pid } = await kept(t, started);
  const smuggled = bytesOf({ path: '/connection?smuggled' });
  const body = `12345${smuggled}`;
  connection.send(bytesOf({ path: '/early', body }).slice(0, -smuggled.length));
  t.is(answered(await connection.answer('POST')).body, 'early\n');
  await fail(t, started, pid);
  connection.send(smuggled);
  const next = answered(await connection.ask('/connection'));
  t.is((JSON.parse(next.body) as { path: string }).path, '/connection');
  await moved(connection, pid);
  t.is(answered(await connection.ask('/ok')).body, 'ok\n', 'and no answer is left over');
  connection.close();
  await gone(started, pid);
  t.is(await started.fleet.stop(), 0);
});

const sockets = (pid: number | string): number =>
  readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('socket:');
    } catch {
      return false;
    }
  }).length;

test('every copy of a descriptor is closed once it is sent', async (t) => {
  const started = await start(t, { keepAliveTimeout: '60000' });
  const supervisor = started.fleet.child.pid ?? 0;
  const { connection: busy, pid } = await kept(t, started);
  const all: Connection[] = [];
  for (let count = 0; count < 40; count++) all.push(await keptBy(t, started, pid));
  const before = { supervisor: sockets(supervisor), source: sockets(pid) };
  // Keeps its process there for as long as it takes to look at it.
  const post = bytesOf({ path: '/whole', body: 'whole' });
  busy.send(post.slice(0, -1));
  await fail(t, started, pid);
  for (const connection of all) await moved(connection, pid);
  await started.fleet.ready();
  const successors = 2; // The lifeline and the channel of one worker more.
  // The listening socket goes, too. A copy is closed when the other side's word is heard that it has arrived.
  await until(
    () => `all are closed: ${JSON.stringify(before)} before, ${sockets(pid)} and ${sockets(supervisor)} now`,
    () => sockets(pid) <= before.source - all.length && sockets(supervisor) <= before.supervisor + 2 * successors,
  );
  busy.send(post.slice(-1));
  t.is(answered(await busy.answer('POST')).status, 200);
  for (const connection of [busy, ...all]) connection.close();
  await gone(started, pid);
  t.is(await started.fleet.stop(), 0);
});

test('one that was handed over is not told 408 for the head that it does not owe', async (t) => {
  const started = await start(t, { headersTimeout: '1500', requestTimeout: '1500', connectionsCheckingInterval: '20' });
  const { connection, pid } = await kept(t, started);
  await fail(t, started, pid);
  await gone(started, pid);
  t.log('a new one that brings nothing is told so, all others that were there before it would have been');
  const silent = new Connection(t, started.target);
  t.is(answered(await silent.answer()).status, 408);
  t.is(answered(await connection.ask('/connection')).status, 200);
  connection.close();
  t.is(await started.fleet.stop(), 0);
});

test('keepAliveTimeout goes on: it ends the connection that stays idle, and no request', async (t) => {
  // Only the successor's: nothing ends before it is handed over, however long the test takes until then.
  const started = await start(t, { keepAliveTimeout: '2000', keepAliveTimeoutFrom: '2' }, 1);
  const { connection: idle, pid } = await kept(t, started);
  const busy = await keptBy(t, started, pid);
  await fail(t, started, pid);
  // The first in other hands: from the second on it is Node that sees to it. Longer than Node adds to the timeout.
  const slow = answered(await busy.ask('/slow?ms=3500'));
  t.is(slow.status, 200);
  t.true(await inTime('the idle connection is ended', idle.closed));
  busy.close();
  t.is(await started.fleet.stop(), 0);
});

test('maxRequestsPerSocket goes on counting', async (t) => {
  const started = await start(t, { maxRequestsPerSocket: '3' });
  const { connection, pid } = await kept(t, started);
  t.is(answered(await connection.ask('/ok')).headers['connection'], 'keep-alive');
  await fail(t, started, pid);
  await gone(started, pid);
  t.is(answered(await connection.ask('/ok')).headers['connection'], 'close');
  connection.close();
  t.is(await started.fleet.stop(), 0);
});

test('each connection comes to the server that listens where it was accepted', async (t) => {
  const started = await start(t, { SECOND: 'yes' });
  const second = { port: Number((await started.fleet.line(/^second \d+/)).msg.split(' ')[1]) };
  const { connection, pid } = await kept(t, started);
  const other = await until(
    `a second connection of process ${pid}`,
    async () => {
      const one = new Connection(t, second);
      if (pidOf(answered(await one.ask('/'))) === pid) return one;
      one.close();
      return undefined;
    },
    0,
  );
  await fail(t, started, pid);
  await gone(started, pid);
  t.is(answered(await connection.ask('/ok')).body, 'ok\n');
  const answer = answered(await other.ask('/'));
  t.is(answer.body, 'second\n');
  t.not(pidOf(answer), pid);
  connection.close();
  other.close();
  t.is(await started.fleet.stop(), 0);
});

test('a worker that dies with connections on their way to it costs none of them', async (t) => {
  const started = await start(t, {}, 3);
  const { fleet } = started;
  const { connection, pid } = await kept(t, started);
  const all = [connection];
  while (all.length < 12) all.push(await keptBy(t, started, pid));
  const victim = fleet.lines.find(({ msg, pid: of }) => /is ready/.test(msg) && String(of) !== pid);
  const failing = await keptBy(t, started, pid);
  process.kill(victim?.pid ?? 0, 'SIGSTOP');
  t.is(answered(await failing.ask('/fail/timer')).status, 500);
  failing.close();
  await gone(started, pid);
  process.kill(victim?.pid ?? 0, 'SIGKILL');
  for (const one of all) {
    t.is(answered(await one.ask('/ok')).status, 200);
    one.close();
  }
  t.is(await fleet.stop(), 0);
});

test('where the taker is slow, the giver goes on answering on what it has not handed over', async (t) => {
  const started = await start(t, { keepAliveTimeout: '60000' });
  const { connection: first, pid } = await kept(t, started);
  const all: Connection[] = [];
  while (all.length < 50) all.push(await keptBy(t, started, pid));
  const failing = await keptBy(t, started, pid);
  const { connection: elsewhere } = await keptElsewhere(t, started, pid);
  answered(await elsewhere.ask('/slow-turns'));
  t.is(answered(await failing.ask('/fail/timer')).status, 500);
  // All ask at the same time: of the first of whom others answer, not all have left.
  const pids = await until('others answer', async () => {
    const answers = await Promise.all(
      [first, ...all].map(async (one) => pidOf(answered(await one.ask('/connection')))),
    );
    return answers.some((one) => one !== pid) && answers;
  });
  t.true(pids.includes(pid));
  for (const one of [...all, first, failing, elsewhere]) one.close();
  await gone(started, pid);
  t.is(await started.fleet.stop(), 0);
});

test('a program that is told that nobody asks it again is not asked again: all that it answers then goes on elsewhere', async (t) => {
  const fleet = startFleet(t, [fixture('process/refusing.mjs'), '-w', '1'], {
    env: { CORDON_BALANCE: 'false', CORDON_STOP_SIGNAL: 'SIGTERM' },
  });
  const target = { port: await fleet.port() };
  await fleet.ready();
  // More than may be on their way at a time.
  const all = Array.from({ length: 60 }, () => new Connection(t, target));
  const asked = all.map(async (one) => {
    const held = answered(await one.ask('/held'));
    // At once: whoever was not handed over is heard by the one that has been told.
    const after = answered(await one.ask('/'));
    return after.status === 200 && pidOf(after) !== pidOf(held);
  });
  await fleet.line(({ msg }) => msg === 'holds 60');
  fleet.child.kill('SIGHUP');
  t.is((await Promise.all(asked)).filter(Boolean).length, 60);
  for (const one of all) one.close();
  t.is(await fleet.stop(), 0);
});

test('handOver: false leaves connections where they are: the next answer is the last, and nobody who still sends is reset', async (t) => {
  const started = await start(t, { CORDON_HAND_OVER: 'false' });
  const { connection, pid } = await kept(t, started);
  const posting = await keptBy(t, started, pid);
  const failing = await keptBy(t, started, pid);
  t.is(answered(await failing.ask('/fail/timer')).status, 500);
  await until('an answer that is the last', async () => {
    const answer = answered(await connection.ask('/connection'));
    t.is(pidOf(answer), pid);
    return answer.headers['connection'] === 'close';
  });
  t.true(await connection.closed);
  const post = bytesOf({ path: '/early', body: 'x'.repeat(200_000) });
  posting.send(post.slice(0, 100_000));
  t.is(answered(await posting.answer('POST')).headers['connection'], 'close');
  posting.send(post.slice(100_000));
  t.true(await posting.closed);
  t.is(await started.fleet.stop(), 0);
});

test('a program that closes its server, and its idle connections, when it hears of the error takes none from its client', async (t) => {
  const started = await start(t, { CLOSES: 'yes' });
  const { connection, pid } = await kept(t, started);
  await fail(t, started, pid);
  await gone(started, pid);
  t.not(pidOf(answered(await connection.ask('/connection'))), pid);
  connection.close();
  t.is(await started.fleet.stop(), 0);
});
