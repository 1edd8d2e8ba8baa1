// The promise itself, in short: with one request of a hundred failing in one way or another, no other is lost. `npm run bench`
// takes the long way.
import test from 'ava';
import { askFor, failedAs, kinds } from '../support/failures.js';
import { fixture, startFleet } from '../support/fleet.js';
import { lost, startLoad } from '../support/load.js';

/** Those that leave no connection open, so that the load goes on by itself. */
const names = Object.keys(kinds).filter(
  (kind) => kinds[kind]?.request === undefined && kinds[kind]?.expected === '500',
);
const REQUESTS = 2000;

for (const keepAlive of [true, false]) {
  test(`no innocent request is lost on ${keepAlive ? 'kept' : 'new'} connections, and each failing one is answered 500`, async (t) => {
    const fleet = startFleet(t, [fixture('servers/failing.mjs'), '-w', '2'], {
      env: { PORT: '0', CORDON_RESTART_INTENSITY_RESTARTS: '100000', CORDON_RESTART_INTENSITY_WITHIN: '1s' },
    });
    const target = { port: await fleet.port() };
    await fleet.ready();
    const load = startLoad(
      t,
      target,
      16,
      (index) => {
        if (index >= REQUESTS) return undefined;
        if (index % 100 === 50) return askFor(names[Math.floor(index / 100) % names.length] as string, `id-${index}`);
        return { path: index % 3 === 0 ? `/slow?ms=${index % 40}` : '/ok' };
      },
      { keepAlive },
    );
    await load.reached(REQUESTS);
    const told = await load.end();
    const failing = told.filter(({ asked }) => asked.path.startsWith('/fail/'));
    t.is(failing.length, REQUESTS / 100);
    for (const { asked, outcome } of failing)
      failedAs(t, asked.path.slice(6), asked.headers?.['x-request-id'] ?? '', outcome);
    t.deepEqual(lost(told.filter((one) => !failing.includes(one))), []);
    t.true(fleet.lines.filter(({ msg }) => /is gone \(exit code 81\)/.test(msg)).length > 0);
    t.is(await fleet.stop(), 0);
  });
}
