// A referee that cannot fail is worth nothing: each kind of loss that the chaos suite promises to see is committed here, by a
// server that does nothing else wrong, and must be seen; and what is no loss must not be called one.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type Socket } from 'node:net';
import test from 'ava';
import { WebSocketServer } from 'ws';
import { handle, Judge, judge, listening, mostlyHonest, pattern, type Referee, stamp } from '../support/chaos.js';

const why = (referee: Referee): string[] => [...new Set(referee.losses.map(({ kind, loss }) => `${kind}: ${loss}`))];

/** The third request is treated so, all others honestly. */
function third(lossy: (request: IncomingMessage, response: ServerResponse) => void) {
  let asked = 0;
  return mostlyHonest((request, response) => {
    asked += 1;
    if (asked !== 3) return false;
    lossy(request, response);
    return true;
  });
}

test('an answer counts from when it was written, and no other stamp is believed', (t) => {
  const referee = new Judge();
  const firstAt = (pid: string, at?: string): number => {
    referee.settle(tickets.pop() ?? {}, undefined, { pid, ...(at && { at }) });
    return referee.processes.get(Number(pid))?.firstAt ?? 0;
  };
  const before = stamp();
  const tickets = [1, 2, 3, 4].map((id) => referee.begin('fast', { id }));
  const from = performance.now();
  const at = stamp();
  const to = performance.now();
  while (performance.now() < to + 5);
  const read = performance.now();
  const written = firstAt('1', at);
  t.true(from - 1 < written && written < to + 1, `${from} ${written} ${to}`);
  for (const [pid, other] of [before, undefined, String(Number(at) + 1e6)].entries())
    t.true(firstAt(String(pid + 2), other) >= read, String(other));
});

test('an honest server loses nothing, whatever is asked of it, and keeps each connection', async (t) => {
  const server = createServer(handle);
  const port = await listening(t, server);
  const asks = { fast: 1, slow: 1, upload: 1, download: 2, leisure: 1 };
  const referee = await judge(t, port, { count: 8, asks }, { over: 60 });
  t.deepEqual(referee.losses, []);
  t.is(referee.lost, 0);
  t.is(referee.answered, referee.sent);
  t.deepEqual(Object.keys(referee.kinds).toSorted(), Object.keys(asks).toSorted());
  t.deepEqual(
    [...(referee.clients.get('kept')?.values() ?? [])],
    Array.from({ length: 8 }, () => 1),
  );
});

const drops: Record<string, [how: (request: IncomingMessage, response: ServerResponse) => void, seen: RegExp]> = {
  'a connection ended under a request': [({ socket }) => void socket.end(), /^fast: closed before the answer$/],
  'a connection reset under a request': [
    ({ socket }) => void socket.resetAndDestroy(),
    /^fast: (?:ECONNRESET|closed) before the answer$/,
  ],
  'an answer that ends amid its head': [
    ({ socket }) => void socket.end('HTTP/1.1 200 OK\r\nContent-Le'),
    /^fast: closed amid the head$/,
  ],
  'a 503': [(_request, response) => void response.writeHead(503).end(), /^fast: status 503$/],
  'the answer of somebody else': [
    (_request, response) => void response.writeHead(200, { 'x-echo': 'another' }).end('fast'),
    /^fast: crossed: got another$/,
  ],
  'an answer with another body': [
    ({ headers }, response) => void response.writeHead(200, { 'x-echo': headers['x-echo'] }).end('fasT'),
    /^fast: other bytes than were sent$/,
  ],
  'an answer that never comes': [() => {}, /^fast: timeout before the answer$/],
};
for (const [what, [how, seen]] of Object.entries(drops)) {
  test(`the referee sees ${what}`, async (t) => {
    const port = await listening(t, third(how));
    const referee = await judge(t, port, { asks: { fast: 1 }, patienceMs: 1000 }, { over: 6 });
    t.is(referee.lost, 1);
    t.regex(why(referee)[0] ?? '', seen);
    t.is(referee.losses[0]?.amid.replace(/ \(.*/, ''), 'the test');
  });
}

test('the referee sees a port that refuses', async (t) => {
  const server = createTcpServer();
  const port = await listening(t, server);
  await new Promise((done) => server.close(done));
  const referee = await judge(t, port, { asks: { fast: 1 } }, { over: 2 });
  t.is(referee.answered, 0);
  t.deepEqual(why(referee), ['fast: connect ECONNREFUSED']);
});

const half = pattern(256 * 1024).subarray(0, 128 * 1024);
const downloads: Record<string, [how: (request: IncomingMessage, response: ServerResponse) => void, seen: RegExp]> = {
  'a download of known length that ends early': [
    ({ socket, headers }) =>
      void socket.end(
        Buffer.concat([
          Buffer.from(`HTTP/1.1 200 OK\r\nx-echo: ${String(headers['x-echo'])}\r\nContent-Length: 262144\r\n\r\n`),
          half,
        ]),
      ),
    /^download: closed amid the answer 200$/,
  ],
  'a chunked download without its last chunk': [
    (_request, response) => {
      response.writeHead(200);
      response.write(half, () => response.socket?.end());
    },
    /^download: closed amid the answer 200$/,
  ],
  'a chunked download that is ended in order, and too short': [
    ({ headers }, response) => {
      response.writeHead(200, { 'x-echo': headers['x-echo'] });
      response.write(half);
      response.end();
    },
    /^download: 131072 bytes of 262144$/,
  ],
  'a download in which a piece comes twice': [
    ({ headers }, response) => {
      response.writeHead(200, { 'x-echo': headers['x-echo'] });
      response.write(half);
      response.end(half);
    },
    /^download: other bytes than were sent$/,
  ],
};
for (const [what, [how, seen]] of Object.entries(downloads)) {
  test(`the referee sees ${what}`, async (t) => {
    const port = await listening(t, third(how));
    const referee = await judge(t, port, { count: 3, asks: { download: 1 } }, { over: 5 });
    t.is(referee.lost, 1);
    t.regex(why(referee)[0] ?? '', seen);
  });
}

const uploads: Record<string, [how: (request: IncomingMessage, response: ServerResponse) => void, seen: RegExp]> = {
  'an upload that is answered before it is all sent': [
    ({ headers }, response) => void response.writeHead(200, { 'x-echo': headers['x-echo'] }).end('0 none'),
    /^upload: 6 bytes of \d+$/,
  ],
  'an upload that is cut': [
    (request) => void request.once('data', () => request.socket.resetAndDestroy()),
    /^upload: /,
  ],
};
for (const [what, [how, seen]] of Object.entries(uploads)) {
  test(`the referee sees ${what}`, async (t) => {
    const port = await listening(t, third(how));
    const referee = await judge(t, port, { count: 3, asks: { upload: 1 } }, { over: 5 });
    t.is(referee.lost, 1);
    t.regex(why(referee)[0] ?? '', seen);
  });
}

test('a connection that is told to close, or is closed while idle, is no loss, and its successor is counted', async (t) => {
  const told = await listening(
    t,
    mostlyHonest((_request, response) => {
      response.setHeader('Connection', 'close');
      return false;
    }),
  );
  const first = await judge(t, told, { asks: { fast: 1 } }, { over: 5 });
  t.is(first.lost, 0);
  t.true((first.clients.get('kept')?.get('kept-0') ?? 0) >= 5);

  for (const how of ['end', 'resetAndDestroy'] as const) {
    const closing = await listening(
      t,
      mostlyHonest((request, response) => {
        response.on('close', () => void setImmediate(() => request.socket[how]()));
        return false;
      }),
    );
    const second = await judge(t, closing, { asks: { fast: 1 }, thinkMs: [100, 100] }, { over: 3 });
    t.is(second.lost, 0, how);
    t.true(
      (second.ends[`kept connection ${how === 'end' ? 'ended' : 'reset'} while idle`] ?? 0) >= 2,
      JSON.stringify(second.ends),
    );
  }
});

const excuse: Referee['excuse'] = (_ticket, loss) => (loss.startsWith('closed') ? 'allowed' : undefined);

test('what the rules of a scenario excuse is counted apart, and not among those of which none may be lost', async (t) => {
  const port = await listening(
    t,
    third(({ socket }) => void socket.end()),
  );
  const referee = await judge(t, port, { asks: { fast: 1 } }, { over: 6, excuse });
  t.is(referee.lost, 0);
  t.is(referee.sent - referee.counted, 1);
  t.is(referee.kinds['fast']?.excused, 1);
});

/** A WebSocket server that does this with each connection once it is open. */
const withSockets = (t: Parameters<typeof listening>[0], how: (tcp: Socket, of: import('ws').WebSocket) => void) => {
  const server = createServer(handle);
  new WebSocketServer({ server, path: '/ws' }).on('connection', (socket, { socket: tcp }) => {
    socket.on('message', (text: Buffer) => socket.send(String(text)));
    socket.on('error', () => {});
    how(tcp, socket);
  });
  return listening(t, server);
};
const talker = { role: 'talker', group: 'websockets' };
const sockets: Record<string, [how: (tcp: Socket, of: import('ws').WebSocket) => void, seen: RegExp]> = {
  'a WebSocket that is reset': [
    (tcp) => void setImmediate(() => tcp.resetAndDestroy()),
    /^websocket: (?:ECONNRESET|reset|closed) (?:without a close frame|before it was open)$/,
  ],
  'a WebSocket that ends without a close frame': [
    (tcp) => void setTimeout(() => tcp.end(), 50),
    /^websocket: ended without a close frame$/,
  ],
  'a WebSocket that is reset right after its close frame': [
    (tcp, socket) =>
      void setTimeout(() => {
        socket.close(1001);
        setImmediate(() => tcp.resetAndDestroy());
      }, 50),
    /^websocket: (?:ECONNRESET|EPIPE|reset) (?:after close code 1001|without a close frame)$/,
  ],
  'a WebSocket that is closed with a code of failure': [
    (_tcp, socket) => void setTimeout(() => socket.close(1011), 50),
    /^websocket: close code 1011$/,
  ],
  'a WebSocket that sends what nobody expects': [
    (_tcp, socket) => void setTimeout(() => socket.send('stray'), 50),
    /^websocket: message 1 is not the next one$/,
  ],
  'a WebSocket that falls silent': [(_tcp, socket) => socket.pause(), /^websocket: silent$/],
};
for (const [what, [how, seen]] of Object.entries(sockets)) {
  test(`the referee sees ${what}`, async (t) => {
    const port = await withSockets(t, how);
    const referee = await judge(t, port, { ...talker, patienceMs: 1000 }, { over: 2 });
    t.true(referee.lost >= 2);
    t.regex(why(referee)[0] ?? '', seen);
  });
}

for (const code of [1001, 1012]) {
  test(`a WebSocket that is closed with ${code} has ended as it should, and is opened again`, async (t) => {
    const port = await withSockets(t, (_tcp, socket) => void setTimeout(() => socket.close(code), 20));
    const referee = await judge(t, port, talker, { over: 3 });
    t.deepEqual(referee.losses, []);
    t.true((referee.ends[`WebSocket closed ${code}`] ?? 0) >= 2);
  });
}

const streams: Record<string, [how: (response: ServerResponse) => void, seen: RegExp]> = {
  'an event stream that is cut': [
    (response) => void setTimeout(() => response.socket?.end(), 20),
    /^events: closed amid the answer 200$/,
  ],
  'an event stream that is reset': [
    (response) => void setTimeout(() => response.socket?.resetAndDestroy(), 20),
    /^events: (?:ECONNRESET|closed) amid the answer 200$/,
  ],
  'an event that was left out': [
    (response) => void response.end('data: 3\n\n'),
    /^events: event 2 is not the next one$/,
  ],
  'half an event': [(response) => void response.end('data: 2'), /^events: half an event at the end$/],
  'a stream that falls silent': [() => {}, /^events: timeout amid the answer 200$/],
};
const stream = (t: Parameters<typeof listening>[0], how: (response: ServerResponse) => void) =>
  listening(
    t,
    mostlyHonest(({ headers }, response) => {
      response.writeHead(200, { 'x-echo': headers['x-echo'] });
      response.write('data: 1\n\n');
      how(response);
      return true;
    }),
  );
const listener = { role: 'listener', group: 'events', patienceMs: 1000 };
for (const [what, [how, seen]] of Object.entries(streams)) {
  test(`the referee sees ${what}`, async (t) => {
    const referee = await judge(t, await stream(t, how), listener, { over: 2 });
    t.true(referee.lost >= 2);
    t.regex(why(referee)[0] ?? '', seen);
  });
}

test('an event stream that ends in order is no loss', async (t) => {
  const referee = await judge(t, await stream(t, (response) => void response.end('data: 2\n\n')), listener, {
    over: 3,
  });
  t.deepEqual(referee.losses, []);
});
