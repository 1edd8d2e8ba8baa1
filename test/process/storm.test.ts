// An error storm in short: half of all requests fail. `npm run bench -- storm --storm-rate 5000` takes the long way.
import { readFileSync } from 'node:fs';
import test from 'ava';
import { askFor } from '../support/failures.js';
import { fixture, startFleet } from '../support/fleet.js';
import { lost, startLoad } from '../support/load.js';

const names = ['throw-sync', 'timer', 'next-tick', 'reject-early'];

test('with half of all requests failing no innocent one is lost, and the log tells the storm and its end, once each', async (t) => {
  const fleet = startFleet(t, [fixture('servers/failing.mjs'), '-w', '2'], {
    env: { PORT: '0', CORDON_RESTART_INTENSITY_RESTARTS: '2', CORDON_RESTART_INTENSITY_WITHIN: '10m' },
  });
  const target = { port: await fleet.port() };
  await fleet.ready();
  const load = startLoad(t, target, 16, (index) =>
    index % 2 === 0 ? { path: '/ok' } : askFor(names[(index >> 1) % names.length] as string, `id-${index}`),
  );
  const { msg } = await fleet.line(/^error storm: [\d.]+ errors a second that nobody caught/);
  t.regex(msg, /2 workers are faulty and serve on|1 worker is faulty and serves on/);
  t.regex(msg, /The next is replaced in \d+(?:\.\d)? s$/);
  await load.reached(load.told.length + 1000);
  const told = await load.end();
  t.deepEqual(lost(told.filter(({ asked }) => asked.path === '/ok')), []);
  t.true(told.every(({ asked, outcome }) => asked.path === '/ok' || (outcome as { status?: number }).status === 500));
  if (process.platform === 'linux') {
    const [, kB] = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${fleet.child.pid}/status`, 'utf8')) ?? [];
    t.true(Number(kB) < 120 * 1024, `${kB} kB`);
  }
  t.is(await fleet.stop(), 0);
  const storms = fleet.lines.filter(({ event }) => event === 'storm').map((line) => line.msg);
  t.is(storms.length, 2, storms.join('\n'));
  const [, errors] =
    /^the error storm is over: (\d+) errors in [\d.]+ s, at most \d+ in a second; 2 workers replaced/.exec(
      storms[1] ?? '',
    ) ?? [];
  t.true(Number(errors) > 200, storms[1]);
  t.true(fleet.lines.length < 80, `${fleet.lines.length} lines`);
});
