// Workers as processes: who they are for the program, for its own children, and for the operating system.
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import test, { type ExecutionContext } from 'ava';
import { type Fleet, fixture, startFleet } from '../support/fleet.js';
import { until } from '../support/until.js';
import { type Seen, underCordon, underPlainCluster } from '../support/views.js';

const server = fixture('sockets/server.mjs');

interface View {
  readonly cordon: readonly (readonly [string, string])[];
  readonly touched: boolean;
  readonly [field: string]: unknown;
}

/** Without what may differ: cordon's own variables, and its hand on the program's servers. */
const comparable = ({ cordon: _variables, touched: _touched, ...rest }: View): unknown => rest;
const viewOf = (seen: Seen | undefined, whose: string): View => seen?.[whose] as View;

const pidOf = async (fleet: Fleet, worker: number): Promise<number> =>
  (await fleet.line((line) => line.worker === worker && line.pid !== undefined)).pid ?? 0;

/** The process group; undefined where the process is gone, or only waits to be reaped. */
function groupOf(pid: number): number | undefined {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? undefined : Number(group);
  } catch {
    return undefined;
  }
}

interface Answer {
  readonly status: number | undefined;
  readonly body: string;
}

function get(port: number, url = '/'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    http
      .get({ port, host: '127.0.0.1', path: url, agent: false }, (response) => {
        let body = '';
        response
          .setEncoding('utf8')
          .on('data', (text: string) => (body += text))
          .on('end', () => resolve({ status: response.statusCode, body }))
          .on('error', reject);
      })
      .on('error', reject);
  });
}

let worlds: Promise<readonly [readonly Seen[], readonly Seen[]]> | undefined;
const bothWorlds = (t: ExecutionContext): Promise<readonly [readonly Seen[], readonly Seen[]]> =>
  (worlds ??= Promise.all([
    underCordon(t, 'sockets/identity.mjs', [], process.cwd()),
    underPlainCluster(t, 'sockets/identity.mjs', [], process.cwd()),
  ]));

const byWorker = (seen: readonly Seen[]): readonly Seen[] => seen.toSorted((one, other) => one.worker - other.worker);

test('a program is a cluster worker, with its own arguments and no message of cordon, as under node:cluster', async (t) => {
  const [cordon, plain] = await bothWorlds(t);
  t.deepEqual(
    byWorker(cordon).map((seen) => comparable(viewOf(seen, 'program'))),
    byWorker(plain).map((seen) => comparable(viewOf(seen, 'program'))),
  );
});

test('a program knows its worker, slot, generation and fleet, and not how it was started', async (t) => {
  const [cordon] = await bothWorlds(t);
  t.deepEqual(
    byWorker(cordon).map((seen) => Object.fromEntries(viewOf(seen, 'program').cordon)),
    ['0', '1'].map((slot) => ({
      CORDON_NAME: 'identity',
      CORDON_WORKER: String(Number(slot) + 1),
      CORDON_SLOT: slot,
      CORDON_GENERATION: '1',
    })),
  );
});

for (const whose of ['child', 'thread'] as const)
  test(`a program's own ${whose} sees nothing of cordon`, async (t) => {
    const [cordon, plain] = await bothWorlds(t);
    for (const [i, seen] of byWorker(cordon).entries()) {
      t.deepEqual(comparable(viewOf(seen, whose)), comparable(viewOf(byWorker(plain)[i], whose)));
      t.false(viewOf(seen, whose).touched);
      t.false(viewOf(seen, whose).cordon.some(([name]) => name === 'CORDON_BOOT'));
    }
  });

test("the program's message listeners hear nothing while its servers listen, close and drain", async (t) => {
  const fleet = startFleet(t, [fixture('sockets/identity.mjs'), '-w', '2']);
  await fleet.line(() => fleet.lines.filter(({ msg }) => msg === 'seen all').length === 2);
  t.is(await fleet.stop(), 0);
  t.deepEqual(
    fleet.lines.filter(({ msg }) => msg.startsWith('heard')).map(({ msg }) => msg),
    [],
  );
});

test("a terminal's Ctrl-C reaches the supervisor alone: workers finish what they have", async (t) => {
  const fleet = startFleet(t, [server, '-w', '2'], { detached: true });
  const port = await fleet.port();
  await fleet.ready();
  const supervisor = fleet.child.pid ?? 0;
  const workers = [await pidOf(fleet, 1), await pidOf(fleet, 2)];
  t.is(groupOf(supervisor), supervisor);
  t.deepEqual(workers.map(groupOf), workers);

  process.kill(-supervisor, 'SIGINT');
  t.is(await fleet.ended, 0);
  t.false(fleet.lines.some(({ msg }) => msg === 'heard SIGINT'));
  t.deepEqual(
    workers.map(groupOf),
    workers.map(() => undefined),
  );
  await t.throwsAsync(get(port));
});

test("a worker's children die with it", async (t) => {
  const fleet = startFleet(t, [fixture('sockets/crowd.mjs'), '-w', '1']);
  const child = Number(/\d+/.exec((await fleet.line(/^child \d+/)).msg)?.[0]);
  await fleet.ready();
  t.is(groupOf(child), await pidOf(fleet, 1));
  process.kill(await pidOf(fleet, 1), 'SIGKILL');
  await fleet.line(/worker 1 died/);
  // Killed before the death of its worker was told; the kernel takes a moment.
  await until("the worker's child is gone", () => groupOf(child) === undefined);
  t.is(groupOf(child), undefined);
});

for (const way of ['cluster-disconnect', 'cluster-kill', 'cluster-destroy', 'process-disconnect'])
  test(`a program that leaves by ${way} drains: nobody's request is lost, and a successor comes`, async (t) => {
    const fleet = startFleet(t, [server, '-w', '1'], { env: { CORDON_HAND_OVER: 'false' } });
    const port = await fleet.port();
    await fleet.ready();
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    t.teardown(() => agent.destroy());
    const held = get(port, '/hold');
    // On a connection of its own, which stays: the worker that drains answers on it still.
    const kept = http.get({ port, host: '127.0.0.1', agent });
    const [hello] = (await once(kept, 'response')) as [http.IncomingMessage];
    hello.resume();
    await once(hello, 'end');

    t.is((await get(port, `/${way}`)).body, String(await pidOf(fleet, 1)));
    await fleet.line(/worker 1 leaves: its program left the cluster/);
    await fleet.line(/worker 2 is ready/);
    t.not((await get(port)).body, String(await pidOf(fleet, 1)));

    const last = http.get({ port, host: '127.0.0.1', path: '/release', agent });
    const [goodbye] = (await once(last, 'response')) as [http.IncomingMessage];
    goodbye.resume();
    t.is(goodbye.headers.connection, 'close');
    t.deepEqual(await held, { status: 200, body: 'held' });
    t.is((await fleet.line(/worker 1 is gone/))['code'], 0);
  });
