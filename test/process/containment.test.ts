// What a failing request costs: its own client sees it fail, nobody else does, and the worker that met it is replaced.
import test, { type ExecutionContext } from 'ava';
import { type Answer, type Asked, ask, bytesOf, Connection, type Outcome, type Target } from '../support/client.js';
import { askFor, failedAs, isOurs, kinds, reported } from '../support/failures.js';
import { type Fleet, fixture, startFleet } from '../support/fleet.js';
import { askStream, code, openSession } from '../support/http2.js';
import { until } from '../support/until.js';

const all = Object.keys(kinds);

/** A fleet that may replace a worker as often as it likes. */
function start(t: ExecutionContext, server: string, workers: number, env: NodeJS.ProcessEnv = {}): Fleet {
  return startFleet(t, [fixture(server), '-w', String(workers)], {
    env: { PORT: '0', CORDON_RESTART_INTENSITY_RESTARTS: '100000', CORDON_RESTART_INTENSITY_WITHIN: '1s', ...env },
  });
}

function answered(outcome: Outcome, why: string): Answer {
  if (outcome.became !== 'answered') throw new Error(`${why}: ${outcome.why}`);
  return outcome;
}

const isInnocent = (t: ExecutionContext, outcome: Outcome, why: string): void => {
  t.is(answered(outcome, why).status, 200, why);
};

/** One worker at a time, so that every innocent request is on the worker that fails. */
async function oneByOne(t: ExecutionContext, names: readonly string[]): Promise<void> {
  const fleet = start(t, 'servers/failing.mjs', 1);
  const target = { port: await fleet.port() };
  await fleet.ready();
  let worker = 1;
  for (const kind of names) {
    const id = `id-${kind}`;
    const { expected, request } = kinds[kind] ?? {};
    const innocent = new Connection(t, target);
    const other = new Connection(t, target);
    const mine = new Connection(t, target);
    await Promise.all([innocent, other, mine].map((connection) => connection.connected()));
    const slow = innocent.ask({ path: '/slow?ms=150' });
    isInnocent(t, await other.ask('/ok'), `before ${kind}`);

    const outcome = await mine.ask(askFor(kind, id));
    failedAs(t, kind, id, outcome);
    if (expected === '500' && outcome.became === 'answered') t.is(outcome.headers['connection'], 'close', kind);
    if (request === 'half') mine.close();
    isInnocent(t, await other.ask('/ok'), `on another connection, after ${kind}`);
    isInnocent(t, await slow, `slow, during ${kind}`);
    for (const connection of [innocent, other, mine]) connection.close();

    const faulty = await fleet.line(({ msg }) => msg.startsWith(`worker ${worker} is faulty`));
    t.is(faulty.worker, worker);
    // The likes of `throw null` are one incident, told once.
    if (kind !== 'throw-null-sync') t.is((await reported(fleet, kind, id)).worker, worker, kind);
    await fleet.line(new RegExp(`^worker ${worker} is gone \\(exit code 81\\)`));
    worker += 1;
    await fleet.line(new RegExp(`^worker ${worker} is ready`));
  }
  t.is(await fleet.stop(), 0);
}

for (const half of [0, 1]) {
  test(`each failure costs its own request and nobody else's, and its worker is replaced (${half + 1} of 2)`, (t) =>
    oneByOne(
      t,
      all.filter((_, index) => index % 2 === half),
    ));
}

/** The likes of `throw null` are told once; and what would fail after its answer may not come to it in a worker that leaves. */
const isTold = (kind: string): boolean => !kind.startsWith('throw-null') && kinds[kind]?.expected !== 'root';

/** Every failure at once, amid slow innocents. */
async function allAtOnce(
  t: ExecutionContext,
  fleet: Fleet,
  names: readonly string[],
  target: Partial<Target> = {},
): Promise<void> {
  const at = { port: await fleet.port(), ...target };
  await fleet.ready();
  const innocents = Array.from({ length: 6 }, () => ask(t, at, '/slow?ms=300'));
  await Promise.all(
    names.map(async (kind) => {
      const id = `id-${kind}`;
      failedAs(t, kind, id, await ask(t, at, askFor(kind, id)));
      if (isTold(kind)) await reported(fleet, kind, id);
    }),
  );
  for (const innocent of await Promise.all(innocents)) isInnocent(t, innocent, 'innocent');
  await fleet.line(/is gone \(exit code 81\)/);
  t.is(await fleet.stop(), 0);
}

const uncaughtByFrameworks = all.filter((kind) => kinds[kind]?.framework !== true);

for (const [name, server] of Object.entries({
  'Express 5': 'servers/failing-express.mjs',
  'Fastify 5': 'servers/failing-fastify.mjs',
  'Koa 3': 'servers/failing-koa.mjs',
  'NestJS 11': 'servers/failing-nest.mjs',
})) {
  test(`what ${name} does not catch is contained, and what it catches is its own`, async (t) => {
    const fleet = start(t, server, 2);
    const caught = await ask(
      t,
      { port: await fleet.port() },
      { path: '/fail/throw-sync', headers: { 'x-request-id': 'x' } },
    );
    t.is(answered(caught, 'throw-sync').status, 500);
    t.is(answered(caught, 'throw-sync').headers['x-request-id'], undefined);
    await allAtOnce(t, fleet, uncaughtByFrameworks);
    t.false(fleet.lines.some(({ msg }) => msg.includes('throw-sync')));
  });
}

test('a server in CommonJS is contained', (t) => allAtOnce(t, start(t, 'servers/plain.cjs', 2), all));

const strips = (process.features as { typescript?: unknown }).typescript === 'strip';
(strips ? test : test.skip)('a server in TypeScript is contained, where Node runs it', (t) =>
  allAtOnce(t, start(t, 'servers/plain.ts', 2), all),
);

test('a server over TLS is contained', (t) =>
  allAtOnce(t, start(t, 'process/secure.mjs', 2, { PROTOCOL: 'https' }), all, { secure: true }));

test('a server of HTTP/2 that also speaks HTTP/1 is contained in HTTP/1', (t) =>
  allAtOnce(t, start(t, 'process/secure.mjs', 2), all, { secure: true }));

const withStreams = all.filter((kind) => kinds[kind]?.request !== 'HTTP/1.0');
async function allStreams(t: ExecutionContext, fleet: Fleet, origin: string, names: readonly string[]): Promise<void> {
  await fleet.ready();
  const session = await openSession(t, origin);
  const another = await openSession(t, origin);
  const slow = askStream(session, { path: '/slow?ms=300' });
  const other = askStream(another, { path: '/slow?ms=300' });
  await Promise.all(
    names.map(async (kind) => {
      const id = `id-${kind}`;
      let own = kind === 'timer' ? session : await openSession(t, origin);
      const outcome = await until(`an answer to ${kind}`, async () => {
        const answer = await askStream(own, askFor(kind, id));
        if (answer.code !== code.refused) return answer;
        // The session was drained before the stream was sent: it is for the client to open another (RFC 9113, 8.7).
        own = await openSession(t, origin);
        return undefined;
      });
      const { expected } = kinds[kind] ?? {};
      if (expected === '500') isOurs(t, outcome, id, kind);
      else {
        t.is(outcome.status, 200, kind);
        t.is(outcome.code, expected === 'broken' ? code.internal : code.none, kind);
      }
      if (own !== session) own.close();
      if (isTold(kind)) await reported(fleet, kind, id);
    }),
  );
  t.like(await slow, { status: 200, code: 0, body: 'ok\n' });
  t.like(await other, { status: 200, code: 0, body: 'ok\n' });
  await fleet.line(/is gone \(exit code 81\)/);
  t.is(await fleet.stop(), 0);
}

test('HTTP/2 in clear text: a stream that fails is answered 500 or reset, its session lives on', async (t) => {
  const fleet = start(t, 'servers/failing-http2.mjs', 2);
  await allStreams(t, fleet, `http://127.0.0.1:${await fleet.port()}`, withStreams);
});

test('HTTP/2 over TLS likewise', async (t) => {
  const fleet = start(t, 'process/secure.mjs', 2);
  await allStreams(t, fleet, `https://127.0.0.1:${await fleet.port()}`, withStreams);
});

test("HTTP/2 written against 'stream' likewise", async (t) => {
  const fleet = start(t, 'servers/failing-http2.mjs', 2, { HTTP2_API: 'stream' });
  const names = ['throw-sync', 'timer', 'reject-early', 'emitter-error', 'request-data', 'half-chunked', 'half-length'];
  await allStreams(t, fleet, `http://127.0.0.1:${await fleet.port()}`, names);
});

test('checkContinue, checkExpectation, upgrade and connect are contained', async (t) => {
  const fleet = start(t, 'process/events.mjs', 2);
  const target = { port: await fleet.port() };
  await fleet.ready();
  const id = { 'x-request-id': 'mine' };
  const continues = { ...id, expect: '100-continue', 'content-length': '5' };
  const expects = { ...id, expect: 'the-unexpected' };
  const upgrades = { ...id, connection: 'Upgrade', upgrade: 'echo' };
  const slow = ask(t, target, '/slow?ms=300');

  t.log('checkContinue');
  const asked = new Connection(t, target);
  asked.send(bytesOf({ path: '/ok', method: 'POST', headers: continues }));
  t.is(await asked.text(/\r\n\r\n/), 'HTTP/1.1 100 Continue\r\n\r\n');
  asked.send('12345');
  t.like(await asked.answer(), { status: 200, body: 'continued' });
  isOurs(t, answered(await ask(t, target, { path: '/fail', method: 'POST', headers: continues }), 'continue'), 'mine');
  const late = answered(await ask(t, target, { path: '/late', method: 'POST', headers: continues }), 'late');
  isOurs(t, late, 'mine');
  t.deepEqual(late.interim, [100]);

  t.log('checkExpectation');
  t.like(await ask(t, target, { path: '/ok', headers: expects }), { status: 417, body: 'not expected' });
  isOurs(t, answered(await ask(t, target, { path: '/fail', headers: expects }), 'expectation'), 'mine');
  t.is((await ask(t, target, { path: '/late', headers: expects })).became, 'broken');

  t.log('upgrade');
  const upgraded = new Connection(t, target);
  t.like(await upgraded.ask({ path: '/ok', headers: upgrades }), { status: 101 });
  upgraded.send('hello');
  t.is(await upgraded.text(/hello/), 'hello');
  const refused = answered(await ask(t, target, { path: '/fail', headers: upgrades }), 'upgrade');
  isOurs(t, refused, 'mine');
  t.is(refused.headers['connection'], 'close');
  const broken = new Connection(t, target);
  t.like(await broken.ask({ path: '/ok', headers: upgrades }), { status: 101 });
  broken.send('fail');
  t.false(await broken.closed, 'a connection that was taken over is broken, too');

  t.log('connect');
  const tunnel = new Connection(t, target);
  t.like(await tunnel.ask({ path: 'ok:443', method: 'CONNECT', headers: id }), { status: 200 });
  tunnel.send('hello');
  t.is(await tunnel.text(/hello/), 'hello');
  isOurs(t, answered(await ask(t, target, { path: 'fail:443', method: 'CONNECT', headers: id }), 'connect'), 'mine');

  t.log('those who were there are still served');
  upgraded.send('again');
  t.is(await upgraded.text(/again/), 'again');
  tunnel.send('again');
  t.is(await tunnel.text(/again/), 'again');
  isInnocent(t, await slow, 'slow');
  upgraded.end();
  tunnel.end();
  await fleet.line(/is gone \(exit code 81\)/);
  t.is(await fleet.stop(), 0);
});

test('the 500 is in the form that its client prefers, with an id taken over or made, and no stack', async (t) => {
  const fleet = start(t, 'servers/failing.mjs', 2);
  const target = { port: await fleet.port() };
  await fleet.ready();
  const fail = async (asked: Partial<Asked> = {}): Promise<Answer> =>
    answered(await ask(t, target, { path: '/fail/timer', ...asked }), 'timer');

  const html = await fail({ headers: { accept: 'text/html,application/json;q=0.9', 'x-request-id': '<b>&' } });
  t.is(html.headers['content-type'], 'text/html; charset=utf-8');
  t.regex(html.body, /<h1>Internal Server Error<\/h1><p>Request &#60;b&#62;&#38;<\/p>/);
  const text = await fail({ headers: { accept: 'text/*' } });
  t.regex(text.headers['content-type'] ?? '', /^text\//);
  const plain = await fail({ headers: { accept: 'text/plain', 'x-request-id': 'one' } });
  t.is(plain.body, 'Internal Server Error\nRequest one\n');
  const json = await fail();
  t.regex(json.headers['x-request-id'] ?? '', /^[\da-f]{8}-[\da-f-]{27}$/);
  isOurs(t, json, json.headers['x-request-id'] ?? '');
  const made = await fail({ headers: { 'x-request-id': 'not an id' } });
  t.not(made.headers['x-request-id'], 'not an id');
  isOurs(t, made, made.headers['x-request-id'] ?? '');
  for (const { body, headers } of [html, text, plain, json, made]) {
    t.notRegex(body, /Bug|\bat /);
    t.is(headers['content-length'], String(Buffer.byteLength(body)));
    t.is(headers['connection'], 'close');
  }
  const head = await fail({ method: 'HEAD', headers: { 'x-request-id': 'head' } });
  t.like(head, { status: 500, body: '' });
  t.is(head.headers['x-request-id'], 'head');
  t.is(await fleet.stop(), 0);
});

test('requests that were pipelined behind the failing one, and before it, are answered, in order', async (t) => {
  const fleet = start(t, 'servers/failing.mjs', 1);
  const target = { port: await fleet.port() };
  await fleet.ready();
  const connection = new Connection(t, target);
  const paths = ['/slow?ms=100', '/fail/timer', '/ok', '/fail/reject-early', '/slow?ms=50', '/ok'];
  connection.send(
    paths
      .map((path, index) => bytesOf({ path, headers: { 'x-echo': String(index), 'x-request-id': String(index) } }))
      .join(''),
  );
  for (const [index, path] of paths.entries()) {
    const answer = answered(await connection.answer(), path);
    const fails = path.startsWith('/fail');
    t.is(answer.status, fails ? 500 : 200, path);
    t.is(answer.headers[fails ? 'x-request-id' : 'x-echo'], String(index));
  }
  connection.close();
  await fleet.line(/is gone \(exit code 81\)/);
  t.is(await fleet.stop(), 0);
});

const told = async (asked: Promise<Outcome>): Promise<unknown> => JSON.parse(answered(await asked, 'asked').body);

test('each request has a context of its own: on a kept connection, pipelined, and announced by the program itself', async (t) => {
  const fleet = start(t, 'process/contexts.mjs', 1);
  const target = { port: await fleet.port() };
  const connection = new Connection(t, target);
  const own = { isNew: true, isEnclosed: false };
  t.deepEqual(await told(connection.ask('/')), own);
  t.deepEqual(await told(connection.ask('/')), own);
  connection.send(bytesOf({ path: '/' }) + bytesOf({ path: '/' }));
  t.deepEqual(await told(connection.answer()), own);
  t.deepEqual(await told(connection.answer()), own);
  t.deepEqual(await told(connection.ask('/announced')), { ...own, isLeft: true });
  t.deepEqual(await told(ask(t, target, '/')), own);
  connection.close();
  t.is(await fleet.stop(), 0);
});
