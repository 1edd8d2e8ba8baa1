// HTTP/2 in a drain: a client that asks while its worker leaves is served, and told with that answer.
import test from 'ava';
import { fixture, startFleet } from '../support/fleet.js';
import { askStream, code, openSession } from '../support/http2.js';
import { until } from '../support/until.js';

for (const [name, script, scheme] of [
  ['in clear text', 'servers/failing-http2.mjs', 'http'],
  ['over TLS', 'process/secure.mjs', 'https'],
] as const) {
  test(`a session is told when its client has just asked, and refuses no stream before (${name})`, async (t) => {
    const fleet = startFleet(t, [fixture(script), '-w', '1'], { env: { PORT: '0' } });
    const session = await openSession(t, `${scheme}://127.0.0.1:${await fleet.port()}`);
    await fleet.ready();
    const told: number[] = [];
    session.on('goaway', (_code, last) => told.push(last));
    const slow = askStream(session, { path: '/slow?ms=1500' });
    t.is((await askStream(session, { path: '/fail/timer' })).status, 500);
    // Told to drain once its successor is ready, and its messages are heard in order.
    await fleet.line(/^worker 1 drains/);
    const burst = await Promise.all(Array.from({ length: 5 }, () => askStream(session, { path: '/ok' })));
    t.deepEqual(
      burst.map(({ status, code: ended }) => [status, ended]),
      burst.map(() => [200, code.none]),
    );
    await until(
      'the session is told to end',
      async () => session.closed || (await askStream(session, { path: '/ok' })).status !== 200,
    );
    t.true(session.closed);
    t.true(told.length > 0 && told.every((last) => last >= 13), `streams up to 13 were taken: ${told.join(', ')}`);
    t.like(await slow, { status: 200, code: 0, body: 'ok\n' });
    await fleet.line(/^worker 1 is gone \(exit code 81\)/);
    t.is(await fleet.stop(), 0);
  });
}

test('a session on which nobody asks is told after the linger', async (t) => {
  const fleet = startFleet(t, [fixture('servers/failing-http2.mjs'), '-w', '1'], {
    env: { PORT: '0', CORDON_STOP_LINGER: '300ms' },
  });
  const session = await openSession(t, `http://127.0.0.1:${await fleet.port()}`);
  await fleet.ready();
  t.is((await askStream(session, { path: '/ok' })).status, 200);
  const over = new Promise((resolve) => session.once('close', resolve));
  t.is(await fleet.stop(), 0);
  await over;
  t.true(session.closed);
});
