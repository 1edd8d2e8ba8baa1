// A supervisor of several apps is replaced: all of them are taken over, or none.
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { StatusReply } from '../../supervisor/control/protocol.js';
import { ask } from '../support/client.js';
import { ask as asked, cordon } from '../support/cordon.js';
import { type Fleet, fixture, type LogLine, startFleet } from '../support/fleet.js';
import { lost, startLoad } from '../support/load.js';
import { gone } from '../support/processes.js';

const busy = (name: string, more: object = {}): object => ({
  name,
  script: fixture('process/busy.mjs'),
  workers: 1,
  ...more,
});

const said =
  (name: string, matching: RegExp, but?: number) =>
  ({ app, msg, pid }: LogLine): boolean =>
    app === name && matching.test(msg) && (but === undefined || pid !== but);

function site(t: ExecutionContext): { folder: string; write(...apps: readonly object[]): void } {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cordon-')));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return {
    folder,
    write: (...apps) => writeFileSync(join(folder, 'cordon.config.json'), JSON.stringify({ apps })),
  };
}

async function portOf(fleet: Fleet, name: string): Promise<{ port: number }> {
  const { msg } = await fleet.line(said(name, /^port \d+/));
  return { port: Number(msg.slice('port '.length)) };
}

/** Replaces the supervisor; returns its successor's pid. */
async function upgrade(t: ExecutionContext, fleet: Fleet, words: readonly string[] = []): Promise<number> {
  const { code, out, err } = await cordon(t, fleet, ['upgrade', ...words, '--json']);
  t.is(code, 0, err);
  const { pid } = JSON.parse(out) as { pid: number };
  t.teardown(() => {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // Gone already.
    }
  });
  return pid;
}

test.serial(
  'two upgrades of several apps under load lose nothing: ports, a unix path, sizes and maintenance stay; one that fails for ever, one that is removed and one that is added keep nobody',
  async (t) => {
    const here = site(t);
    const path = join(here.folder, 's');
    const [db, api, fails, old] = [
      busy('db', { env: { SOCKET: path } }),
      busy('api', { after: ['db'] }),
      { name: 'fails', script: fixture('process/app.mjs'), workers: 1, env: { FAILS: '7' } },
      busy('old'),
    ];
    here.write(api, fails, db, old);
    const fleet = startFleet(t, [], { cwd: here.folder });
    await fleet.line(said('api', /is ready \(1 of 1\)/));
    await fleet.line(said('fails', /exit code 7/));
    const targets = { api: await portOf(fleet, 'api'), db: { port: 0, socketPath: path } };
    t.is((await cordon(t, fleet, ['scale', 'api', '2'])).code, 0);
    t.is((await cordon(t, fleet, ['maint', 'db', 'on'])).code, 0);
    const removed = await portOf(fleet, 'old');
    const loads = Object.values(targets).flatMap((target) =>
      [false, true].map((keepAlive) =>
        startLoad(t, target, 3, (index) => ({ path: index % 4 === 0 ? '/slow?ms=50' : '/ok' }), { keepAlive }),
      ),
    );
    const more = (): Promise<unknown> => Promise.all(loads.map((load) => load.reached(load.told.length + 20)));
    await more();

    here.write(api, fails, db, busy('new'));
    const first = fleet.child.pid as number;
    const second = await upgrade(t, fleet);
    await gone([first]);
    await more();
    const third = await upgrade(t, fleet, ['api']);
    await gone([second]);
    await more();
    for (const load of loads) {
      const told = await load.end();
      t.deepEqual(lost(told), []);
      t.log(`0 lost of ${told.length}, ${told.filter(({ fresh }) => fresh).length} connections`);
    }
    t.is((await ask(t, removed, '/ok')).became, 'broken', 'nobody waits there in vain');

    const { fleets } = await asked<{ fleets: readonly StatusReply[] }>(t, fleet, ['status']);
    t.deepEqual(
      fleets.map(({ name, pid, size, maintenance }) => [name, pid, size, maintenance]),
      [
        ['api', third, 2, false],
        ['db', third, 1, true],
        ['fails', third, 1, false],
        ['new', third, 1, false],
      ],
    );
    process.kill(third, 'SIGTERM');
    await gone([third]);
    await fleet.ended;
  },
);

test.serial('where one of several apps does not make it, none is taken over', async (t) => {
  const here = site(t);
  here.write(busy('db'), busy('api', { after: ['db'] }));
  const fleet = startFleet(t, [], { cwd: here.folder });
  await fleet.line(said('api', /is ready/));
  const targets = [await portOf(fleet, 'db'), await portOf(fleet, 'api')];
  const load = startLoad(t, targets[0] ?? { port: 0 }, 4, () => ({ path: '/ok' }), { keepAlive: false });
  await load.reached(20);

  const fails = { name: 'api', script: fixture('process/app.mjs'), workers: 1, after: ['db'], env: { FAILS: '7' } };
  here.write(busy('db'), fails);
  const refused = await cordon(t, fleet, ['upgrade']);
  t.is(refused.code, 1);
  t.regex(refused.err, /api: its worker 1 ended before it was ready/);
  here.write(busy('db'), busy('api', { after: ['db'] }), busy('new', { listen: [`127.0.0.1:${targets[0]?.port}`] }));
  const taken = await cordon(t, fleet, ['upgrade', 'api']);
  t.is(taken.code, 1, taken.out);
  t.regex(taken.err, /new: cannot listen on .* the address is taken/);

  await load.reached(load.told.length + 20);
  t.deepEqual(lost(await load.end()), []);
  for (const target of targets) t.like(await ask(t, target, '/ok'), { status: 200 });
  t.is(await fleet.stop(), 0);
});
