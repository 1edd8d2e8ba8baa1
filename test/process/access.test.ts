// The access log: each request once, in a form that tools know, whatever clients send.

import { once } from 'node:events';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ask } from '../support/client.js';
import { type Fleet, fixture, startFleet } from '../support/fleet.js';

function start(
  t: ExecutionContext,
  logs: object,
  script = 'process/busy.mjs',
): { readonly fleet: Fleet; readonly folder: string } {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cordon-access-')));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'cordon.config.json');
  writeFileSync(file, JSON.stringify({ name: 'shop', script: fixture(script), workers: 1, logs }));
  return { fleet: startFleet(t, [file]), folder };
}

const combined =
  /^(\S+) - - \[(\d\d\/[A-Z][a-z]{2}\/\d{4}(?::\d\d){3} [+-]\d{4})\] "((?:[^"\\]|\\.)*)" (\d{3}|-) (\d+|-) "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"$/;

test('the combined format in a file of its own: one line for each request, secrets left out, nothing forged', async (t) => {
  const { fleet, folder } = start(t, { access: 'combined', accessFile: 'logs/access.log' });
  const target = { port: await fleet.port() };
  await fleet.ready();
  t.like(
    await ask(t, target, { path: '/ok', headers: { 'user-agent': 'curl/8', referer: 'http://a/?token=hunter2' } }),
    {
      status: 200,
    },
  );
  t.like(await ask(t, target, '/print?lines=1&token=hunter2&x="y'), { status: 200, body: 'printed\n' });
  const forged = 'x" 200 1 "-" "-"\\';
  t.like(await ask(t, target, { path: '/fail/timer', headers: { 'user-agent': forged } }), { status: 500 });
  t.is(await fleet.stop(), 0);
  const text = readFileSync(join(folder, 'logs/access.log'), 'utf8');
  t.false(text.includes('hunter2'));
  const lines = text.split('\n').slice(0, -1);
  t.is(lines.length, 3, text);
  const [first, second, third] = lines.map((line) => combined.exec(line)?.slice(1) ?? t.fail(line));
  t.deepEqual(first?.[0], '127.0.0.1');
  t.deepEqual(first?.slice(2, 4), ['GET /ok HTTP/1.1', '200']);
  t.deepEqual(first?.slice(5), ['http://a/?token=[redacted]', 'curl/8']);
  t.deepEqual(second?.slice(2, 5), ['GET /print?lines=1&token=[redacted]&x=\\"y HTTP/1.1', '200', '8']);
  t.deepEqual(third?.slice(3, 4), ['500']);
  t.is(third?.[6], 'x\\" 200 1 \\"-\\" \\"-\\"\\\\');
  t.false(
    fleet.lines.some(({ stream }) => (stream as string) === 'access'),
    'what has a file of its own is not in the log',
  );
});

test('as JSON it is part of the log, with the worker that answered, over HTTP/2 too', async (t) => {
  const { fleet } = start(t, { access: 'json' }, 'servers/failing-http2.mjs');
  const port = await fleet.port();
  const session = connect(`http://localhost:${port}`);
  t.teardown(() => session.destroy());
  const stream = session.request({ ':path': '/ok?password=hunter2', 'user-agent': 'tester', 'x-request-id': 'r1' });
  stream.resume();
  await once(stream, 'close');
  const line = await fleet.line((one) => one['path'] === '/ok?password=[redacted]');
  t.like(line, {
    level: 'info',
    app: 'shop',
    stream: 'access',
    worker: 1,
    slot: 0,
    generation: 1,
    method: 'GET',
    status: 200,
    protocol: 'HTTP/2.0',
    userAgent: 'tester',
    id: 'r1',
  });
  t.regex(String(line['remote']), /127\.0\.0\.1|::1/);
  t.true(Number(line['durationMs']) > 0);
  session.close();
  t.is(await fleet.stop(), 0);
});
