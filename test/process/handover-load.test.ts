// The promise of hand-over, in short: workers are replaced one after the other under load, and on kept connections no request is
// lost, and no connection is opened beside those of the clients.
import test from 'ava';
import { ask } from '../support/client.js';
import { fixture, startFleet } from '../support/fleet.js';
import { lost, startLoad } from '../support/load.js';

const USERS = 20;
const REPLACED = 6;

const servers = [
  { name: 'http', script: 'process/kept.mjs', fails: '/fail/timer', env: {} },
  {
    name: 'Fastify, which closes itself in each drain',
    script: 'process/closing-fastify.mjs',
    fails: '/fail',
    env: { CORDON_STOP_SIGNAL: 'SIGTERM' },
  },
];

for (const { name, script, fails, env } of servers) {
  test.serial(`workers are replaced under load: 0 requests lost, 0 connections opened anew (${name})`, async (t) => {
    const fleet = startFleet(t, [fixture(script), '-w', '2'], {
      env: { CORDON_RESTART_INTENSITY_RESTARTS: '100000', CORDON_RESTART_INTENSITY_WITHIN: '1s', ...env },
    });
    const target = { port: await fleet.port() };
    await fleet.ready();
    const load = startLoad(t, target, USERS, (index) =>
      index % 10 === 0
        ? { path: '/slow?ms=30' }
        : index % 10 === 5 && name !== 'http'
          ? { path: '/echo', body: '{"text":"body"}', headers: { 'content-type': 'application/json' } }
          : { path: '/ok' },
    );
    let from = 0;
    for (let replaced = 0; replaced < REPLACED; replaced++) {
      const answer = await ask(t, target, fails);
      t.like(answer, { became: 'answered', status: 500 });
      // Either may come first.
      const both = [fleet.line(/is gone \(exit code 81\)/, from), fleet.line(/is ready \(2 of 2\)/, from)];
      from = Math.max(...(await Promise.all(both)).map((line) => fleet.lines.indexOf(line))) + 1;
    }
    const told = await load.end();
    t.log(`${told.length} requests while ${REPLACED} workers were replaced`);
    t.deepEqual(lost(told), []);
    t.is(told.filter(({ fresh }) => fresh).length, USERS, 'no connection was opened but the first');
    t.is(await fleet.stop(), 0);
  });
}
