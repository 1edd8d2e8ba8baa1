import { once } from 'node:events';
import { statSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Config } from '../../config/config.js';
import { endpoints, MAX_BODY, type RefusalReply, type StatusReply } from '../../supervisor/control/protocol.js';
import { type Control, openControl } from '../../supervisor/control/server.js';
import type { Sources } from '../../supervisor/control/sources.js';
import { Journal } from '../../supervisor/journal.js';
import { ask, noCommands, privateFolder, sources } from '../support/control.js';
import { until } from '../support/until.js';

interface Open {
  readonly control: Control;
  readonly socketPath: string;
  readonly bugs: unknown[];
}

async function open(
  t: ExecutionContext,
  shown: Partial<Sources> = {},
  config: Partial<Config['control']> & { readonly port?: number } = {},
): Promise<Open> {
  const socketPath = join(privateFolder(t), 'api.sock');
  const { port, ...control } = config;
  const bugs: unknown[] = [];
  const opened = await openControl(
    {
      name: 'api',
      control: { socket: socketPath, mode: 0o600, readers: undefined, watchConfig: false, ...control },
      metrics: { listen: port === undefined ? [] : [{ host: '127.0.0.1', port }] },
    },
    { follows: false, bug: (error) => bugs.push(error) },
  );
  opened.serve(sources(shown));
  t.teardown(() => opened.close());
  return { control: opened, socketPath, bugs };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

const refusalOf = (text: string): RefusalReply => JSON.parse(text) as RefusalReply;

test('status over the socket, as curl asks for it', async (t) => {
  const at = await open(t);
  const { status, text } = await ask(at, 'GET', '/v1/status');
  t.is(status, 200);
  t.like(JSON.parse(text) as StatusReply, { version: 1, name: 'api', state: 'serving', cordon: '0.0.0' });
});

test('an unknown endpoint is answered 404 with all that there are', async (t) => {
  const at = await open(t);
  for (const path of ['/', '/v1/statuses', '/v1/workers/1/2/3', `/${'x'.repeat(5000)}`, '/v1/../v1/status']) {
    const { status, text } = await ask(at, 'GET', path);
    t.is(status, 404, path.slice(0, 20));
    t.deepEqual(refusalOf(text).endpoints, endpoints);
    t.true(refusalOf(text).error.length < 200);
  }
  t.regex(refusalOf((await ask(at, 'GET', '/v2/status')).text).error, /this cordon speaks \/v1/);
});

test('a wrong method is answered 405 with the right one', async (t) => {
  const at = await open(t);
  const { status, text } = await ask(at, 'POST', '/v1/status');
  t.is(status, 405);
  t.regex(refusalOf(text).error, /\/v1\/status takes GET/);
  const asked = request({ socketPath: at.socketPath, method: 'GET', path: '/v1/reload', agent: false }).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  response.resume();
  t.is(response.headers.allow, 'POST');
});

test('errors: so many of the latest, and how many more there are; what nobody would answer is refused', async (t) => {
  const asked: unknown[] = [];
  const { incidents } = sources();
  const list = (question?: object): [] => (asked.push(question), []);
  const at = await open(t, { incidents: { ...incidents, list, count: () => 7 } });
  t.like(JSON.parse((await ask(at, 'GET', '/v1/errors?lines=3&since=5&state=new')).text), { incidents: [], more: 7 });
  t.false('more' in (JSON.parse((await ask(at, 'GET', '/v1/errors')).text) as object));
  t.deepEqual(asked, [{ lines: 3, since: 5, state: 'new' }, {}]);
  for (const query of ['line=3', 'lines=-1', 'since=now', 'state=old'])
    t.is((await ask(at, 'GET', `/v1/errors?${query}`)).status, 400, query);
});

test('bodies are bounded and checked: 413 and 400 with what was expected', async (t) => {
  const at = await open(t);
  const post = async (path: string, body: string): Promise<[number, string]> => {
    const { status, text } = await ask(at, 'POST', path, body);
    return [status, refusalOf(text).error];
  };
  t.deepEqual(await post('/v1/stop', ' '.repeat(MAX_BODY + 1)), [413, 'expected a body of at most 65536 bytes']);
  t.deepEqual(await post('/v1/stop', '{"now":'), [400, 'expected a JSON object as the body']);
  t.deepEqual(await post('/v1/stop', '[]'), [400, 'expected a JSON object as the body']);
  t.deepEqual(await post('/v1/stop', '{"nwo":true}'), [400, 'unknown field "nwo"; known here: now, all']);
  t.deepEqual(await post('/v1/stop', '{"now":"yes"}'), [400, 'now: expected a boolean']);
  t.deepEqual(await post('/v1/stop', '{"__proto__":true}'), [400, 'unknown field "__proto__"; known here: now, all']);
  t.deepEqual(await post('/v1/scale', '{}'), [400, 'expected either "to" or "by"']);
  t.deepEqual(await post('/v1/scale', '{"to":1.5}'), [400, 'expected a whole number']);
  t.deepEqual(await post('/v1/reload', '{"bakeMs":-1}'), [400, 'bakeMs: expected from 0 to 2147483647']);
  t.deepEqual(await post('/v1/reload', '{"bakeMs":1e12}'), [400, 'bakeMs: expected from 0 to 2147483647']);
  t.deepEqual(await post('/v1/workers/x/drain', ''), [400, 'expected a whole number, got "x"']);
  t.deepEqual(await post('/v1/workers/7/drain', ''), [404, 'there is no worker 7']);
  t.deepEqual(at.bugs, []);
});

test('an environment that is handed over holds texts, and a refusal does not show them', async (t) => {
  const at = await open(t);
  for (const env of ['[]', '"x"', '{"A":1}', '{"A":"s3cret\\u0000"}', '{"A=s3cret":"x"}', '{"":"x"}']) {
    const { status, text } = await ask(at, 'POST', '/v1/reload', `{"env":${env}}`);
    t.is(status, 400, env);
    t.is(refusalOf(text).error, 'env: expected an object of texts');
  }
});

test('an order that failed is answered 409 with the reason and the last words', async (t) => {
  const at = await open(t);
  const { status, text } = await ask(at, 'POST', '/v1/reload');
  t.is(status, 409);
  t.like(JSON.parse(text), { version: 1, ok: false, why: 'there is no fleet', lastWords: ['Error: no database'] });
});

test('whoever accepts JSON Lines hears how far an order has come, and its outcome last', async (t) => {
  const heard: Parameters<typeof noCommands.progress>[0][] = [];
  let left = 0;
  const at = await open(t, {
    commands: {
      ...noCommands,
      progress: (listener) => {
        heard.push(listener);
        return () => void left++;
      },
      reload: async () => {
        heard[0]?.({ text: '1/2 workers ready', ready: 1, wanted: 2, booting: 1, elapsedMs: 5 });
        return { ok: true, generation: 2 };
      },
    },
  });
  const { status, text } = await ask(at, 'POST', '/v1/reload', '{}', { accept: 'application/x-ndjson' });
  t.is(status, 200);
  const [progress = {}, outcome = {}, ...rest] = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  t.like(progress, { type: 'progress', text: '1/2 workers ready', ready: 1 });
  t.like(outcome, { type: 'outcome', ok: true, generation: 2 });
  t.deepEqual(rest, []);
  t.is(left, 1, 'nobody is told any more');
});

test('a bug in a handler is answered 500 without its stack, and is told to the log', async (t) => {
  const at = await open(t, {
    commands: {
      ...noCommands,
      status: () => {
        throw new Error('secret detail');
      },
    },
  });
  const { status, text } = await ask(at, 'GET', '/v1/status');
  t.is(status, 500);
  t.false(text.includes('secret detail'));
  t.is((at.bugs[0] as Error).message, 'secret detail');
});

test("the readers' socket reads and refuses every order, and lets its group in", async (t) => {
  const at = await open(t, {}, { readers: String(process.getgid?.() ?? 0) });
  const socketPath = at.control.readers ?? '';
  t.is(statSync(socketPath).mode & 0o777, 0o660);
  t.is((await ask({ socketPath }, 'GET', '/v1/status')).status, 200);
  const orders = Object.keys(endpoints).flatMap((endpoint) => (endpoint.startsWith('POST ') ? endpoint.slice(5) : []));
  t.true(orders.length >= 6);
  for (const path of orders) {
    const { status, text } = await ask({ socketPath }, 'POST', path.replace(':id', '1'), '{}');
    t.is(status, 403, path);
    t.is(refusalOf(text).exitCode, 77);
  }
});

test('the TCP address serves probes and figures, and nothing else', async (t) => {
  const port = await freePort();
  await open(t, { metrics: () => 'up 1\n' }, { port });
  t.deepEqual(await ask({ port }, 'GET', '/livez'), { status: 200, text: 'ok\n' });
  t.deepEqual(await ask({ port }, 'GET', '/metrics'), { status: 200, text: 'up 1\n' });
  t.deepEqual(await ask({ port }, 'GET', '/readyz'), { status: 200, text: 'ok: 1/1 workers serve, serving\n' });
  for (const path of ['/v1/status', '/v1/logs', '/v1/fleet', '/v1/errors'])
    t.is((await ask({ port }, 'GET', path)).status, 404, path);
  for (const path of ['/v1/stop', '/v1/reload', '/livez'])
    t.true((await ask({ port }, 'POST', path)).status >= 404, path);
});

test('readyz says 503 while the fleet is not ready, livez goes on', async (t) => {
  const at = await open(t, { commands: { ...noCommands, status: () => ({ ...noCommands.status(), ready: false }) } });
  t.is((await ask(at, 'GET', '/readyz')).status, 503);
  t.is((await ask(at, 'GET', '/livez')).status, 200);
});

test('logs: the last lines, of a worker, of a level, since a moment', async (t) => {
  const journal = new Journal();
  const line = (worker: number, level: string, second: number): void =>
    journal.lines.add(JSON.stringify({ time: `2026-01-01T00:00:0${second}.000Z`, worker, level, msg: `${second}` }));
  line(1, 'info', 1);
  line(2, 'warn', 2);
  line(1, 'error', 3);
  line(2, 'info', 4);
  const at = await open(t, { journal });
  const shown = async (query: string): Promise<string> =>
    (await ask(at, 'GET', `/v1/logs?${query}`)).text
      .split('\n')
      .filter((text) => text !== '')
      .map((text) => (JSON.parse(text) as { msg: string }).msg)
      .join('');
  t.is(await shown(''), '1234');
  t.is(await shown('lines=2'), '34');
  t.is(await shown('lines=0'), '');
  t.is(await shown('worker=1'), '13');
  t.is(await shown('level=warn'), '23');
  t.is(await shown('worker=2&lines=1'), '4');
  t.is(await shown(`since=${Date.parse('2026-01-01T00:00:03Z')}`), '34');
  t.is((await ask(at, 'GET', '/v1/logs?level=loud')).status, 400);
  t.is((await ask(at, 'GET', '/v1/logs?lines=-1')).status, 400);
  t.is((await ask(at, 'GET', '/v1/logs?wroker=1')).status, 400);
});

test('as server-sent events, the past is followed, and a reader that comes back goes on where it was', async (t) => {
  const journal = new Journal();
  const at = await open(t, { journal });
  for (const msg of ['a', 'b', 'c']) journal.lines.add(`{"worker":1,"level":"info","msg":"${msg}"}`);
  const listen = async (query: string, last: string | undefined, end: string): Promise<string> => {
    const headers = { accept: 'text/event-stream', ...(last !== undefined && { 'last-event-id': last }) };
    const asked = request({ socketPath: at.socketPath, path: `/v1/logs?${query}`, headers, agent: false });
    const [response] = (await once(asked.end(), 'response')) as [IncomingMessage];
    t.is(response.headers['content-type'], 'text/event-stream');
    let text = '';
    await new Promise<void>((seen, lost) => {
      response.once('close', lost).on('error', lost);
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        if (text.includes(end)) seen();
      });
    });
    asked.destroy();
    return text;
  };
  const shown = await listen('worker=1&lines=2', undefined, '"c"');
  t.regex(
    shown,
    /^id: (\w+-1)\ndata: \{"worker":1,"level":"info","msg":"b"\}\n\nid: \w+-2\ndata: \{"worker":1,"level":"info","msg":"c"\}\n\n$/,
  );
  const [, last] = /^id: (\w+-1)$/m.exec(shown) ?? [];
  const following = listen('', last, '"d"');
  journal.lines.add('{"msg":"d"}');
  t.deepEqual([...(await following).matchAll(/"msg":"(.)"/g)].map(([, msg]) => msg).join(''), 'cd');
  t.regex(await listen('', 'another-1', '"d"'), /"msg":"a"/, 'of another supervisor: all there is');
  const told = await ask(at, 'GET', '/v1/logs?follow=false', undefined, { accept: 'text/event-stream' });
  t.is(told.text.match(/^data: /gm)?.length, 4);
});

test('a reader that is slower than the log misses lines, is told how many, and costs no more than a buffer', async (t) => {
  const journal = new Journal();
  const at = await open(t, { journal });
  const socket = connect(at.socketPath);
  socket.write('GET /v1/logs?follow HTTP/1.1\r\nhost: x\r\n\r\n');
  const [head] = (await once(socket, 'data')) as [Buffer];
  t.regex(head.toString(), /^HTTP\/1\.1 200 OK/);
  socket.pause();
  const text = 'x'.repeat(1000);
  const before = process.memoryUsage().rss;
  for (let i = 0; i < 100_000; i++) journal.lines.add(`{"n":${i},"text":"${text}"}`);
  t.true(process.memoryUsage().rss - before < 64 * 1024 * 1024);
  let read = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => (read += chunk));
  socket.resume();
  await until('the last line comes', () => read.includes('"n":99999'));
  const dropped = [...read.matchAll(/\{"dropped":(\d+)\}/g)].reduce((sum, [, count]) => sum + Number(count), 0);
  const got = [...read.matchAll(/\{"n":\d+/g)].length;
  t.true(dropped > 0);
  t.is(got + dropped, 100_000);
  socket.destroy();
});

test('half a request is given up after a while, and nobody else waits for it', async (t) => {
  const at = await open(t);
  const socket = connect(at.socketPath);
  socket.write('GET /v1/status HTTP/1.1\r\nhost:');
  t.is((await ask(at, 'GET', '/livez')).status, 200);
  socket.resume();
  await once(socket, 'close');
  t.pass();
});

test('a second request on a connection that follows something is refused, and keeps nothing alive', async (t) => {
  const journal = new Journal();
  const followers = new Set<object>();
  const follow = journal.events.follow.bind(journal.events);
  journal.events.follow = (listener) => {
    followers.add(listener);
    const leave = follow(listener);
    return () => {
      followers.delete(listener);
      leave();
    };
  };
  const at = await open(t, { journal });
  const socket = connect(at.socketPath);
  socket.write('GET /v1/events?follow HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(20));
  await once(socket, 'data');
  t.is(followers.size, 1);
  socket.destroy();
  for (let tries = 0; tries < 1000 && followers.size > 0; tries++) await ask(at, 'GET', '/livez');
  t.is(followers.size, 0);
});
