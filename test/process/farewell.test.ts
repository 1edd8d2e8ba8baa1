// What has no end of its own is told that its worker leaves, each in its protocol; and so is the program.
import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import { WebSocket } from 'ws';
import { bytesOf, Connection } from '../support/client.js';
import { cordon } from '../support/cordon.js';
import { type Fleet, fixture, startFleet } from '../support/fleet.js';

async function start(t: ExecutionContext, env: NodeJS.ProcessEnv = {}): Promise<{ fleet: Fleet; port: number }> {
  const fleet = startFleet(t, [fixture('process/streams.mjs'), '-w', '1'], {
    env: { CORDON_STOP_CLOSE_SPREAD: '400ms', CORDON_STOP_LINGER: '200ms', ...env },
  });
  const port = await fleet.port();
  await fleet.ready();
  return { fleet, port };
}

async function open(t: ExecutionContext, port: number, path: string): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
  t.teardown(() => socket.terminate());
  await once(socket, 'message');
  return socket;
}

/** The close code, and when it came. */
const closed = async (socket: WebSocket): Promise<{ code: number; at: number }> => {
  const [code] = (await once(socket, 'close')) as [number];
  return { code, at: performance.now() };
};

test('WebSockets of ws and of socket.io get a close frame 1001, spread over the time for it', async (t) => {
  const { fleet, port } = await start(t);
  const sockets = await Promise.all(Array.from({ length: 8 }, () => open(t, port, '/ws')));
  sockets.push(await open(t, port, '/socket.io/?EIO=4&transport=websocket'));
  const all = Promise.all(sockets.map(closed));
  t.is(await fleet.stop(), 0);
  const ends = await all;
  t.deepEqual(
    ends.map(({ code }) => code),
    ends.map(() => 1001),
  );
  const times = ends.map(({ at }) => at);
  t.true(Math.max(...times) - Math.min(...times) >= 250, 'not all at once');
});

test('server-sent events end in order, at the end of the spread', async (t) => {
  const { fleet, port } = await start(t);
  const connection = new Connection(t, { port });
  connection.send(bytesOf({ path: '/events' }));
  await connection.text(/hello\n\n/);
  t.is(await fleet.stop(), 0);
  t.is(await connection.text(/\r\n0\r\n\r\n/), '\r\n0\r\n\r\n');
});

test('onDrain is told at once and why, what it returns is awaited; onDrained is told when nothing is left', async (t) => {
  const { fleet, port } = await start(t, { LONG: '400' });
  const connection = new Connection(t, { port });
  const slow = connection.ask('/slow?ms=300');
  await fleet.line(/^asked \/slow/);
  t.is(await fleet.stop(), 0);
  t.is((await slow).became, 'answered');
  const said = fleet.lines.map(({ msg }) => msg);
  const places = ['drain: stop', 'drain heard', 'nothing is left'].map((text) => said.indexOf(text));
  t.true(
    places.every((place) => place >= 0),
    said.join('\n'),
  );
  t.true((places[0] ?? 0) < (places[1] ?? 0));
  t.is(said.filter((text) => text === 'signalled').length, 0);
});

test('stop.signal is heard once nobody is expected to ask again, and its process.exit waits for who is in flight', async (t) => {
  const { fleet, port } = await start(t, { CORDON_STOP_SIGNAL: 'SIGTERM' });
  const connection = new Connection(t, { port });
  const slow = connection.ask('/slow?ms=800');
  const idle = new Connection(t, { port });
  await idle.ask('/ok');
  await fleet.line(/^asked \/slow/);
  t.is(await fleet.stop(), 0);
  t.is((await slow).became, 'answered');
  t.is(fleet.lines.filter(({ msg }) => msg === 'signalled').length, 1);
});

test('what the program reports is in the book, with no worker replaced', async (t) => {
  const { fleet } = await start(t, { REPORTS: 'yes' });
  await fleet.line(/caught by the program/);
  t.is(
    fleet.lines.findIndex(({ msg }) => /drains/.test(msg)),
    -1,
  );
  t.is(await fleet.stop(), 0);
});

test('stop.delay: the fleet serves on, and then stops', async (t) => {
  const { fleet, port } = await start(t, { CORDON_STOP_DELAY: '700ms' });
  fleet.child.kill('SIGTERM');
  await fleet.line(/^stopping in/);
  const connection = new Connection(t, { port });
  const answer = await connection.ask('/ok');
  t.like(answer, { became: 'answered', status: 200 });
  connection.close();
  t.is(
    fleet.lines.findIndex(({ msg }) => /drains/.test(msg)),
    -1,
  );
  t.is(await fleet.ended, 0);
});

test('stop.delay: a signal after the command waits no longer, and still cuts nobody', async (t) => {
  const { fleet } = await start(t, { CORDON_STOP_DELAY: '10m' });
  const stopped = cordon(t, fleet, ['stop']);
  await fleet.line(/^stopping in/);
  fleet.child.kill('SIGTERM');
  await fleet.line(/^worker 1 drains/);
  t.is((await stopped).code, 0);
  t.is(await fleet.ended, 0);
});
