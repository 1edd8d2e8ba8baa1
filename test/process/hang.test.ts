// Workers that stand still: where they do is told, their other requests are answered where that can be done, and they are replaced.
import test, { type ExecutionContext } from 'ava';
import { type Answer, ask, Connection, type Outcome } from '../support/client.js';
import { type Fleet, fixture, type LogLine, startFleet } from '../support/fleet.js';
import { askStream, openSession } from '../support/http2.js';
import { until } from '../support/until.js';

const HANG_MS = 2000;
const quick = { CORDON_HEALTH_BEAT: '200ms', CORDON_HEALTH_HANG: `${HANG_MS}ms` };

interface Target {
  readonly port: number;
}

async function start(
  t: ExecutionContext,
  workers: number,
  { env = {}, args = [] }: { env?: NodeJS.ProcessEnv; args?: string[] } = {},
): Promise<{ fleet: Fleet; target: Target }> {
  const fleet = startFleet(t, [fixture('process/hanging.mjs'), '-w', String(workers), ...args], {
    env: { ...quick, ...env },
  });
  const target = { port: await fleet.port() };
  await fleet.ready();
  return { fleet, target };
}

function answered(outcome: Outcome): Answer {
  if (outcome.became !== 'answered') throw new Error(outcome.why);
  return outcome;
}

/** `count` connections to one and the same worker, and its pid. */
async function toOne(t: ExecutionContext, target: Target, count: number): Promise<[string, ...Connection[]]> {
  const held = new Map<string, Connection[]>();
  return until<[string, ...Connection[]] | undefined>(
    `${count} connections of one worker`,
    async () => {
      const connection = new Connection(t, target);
      const pid = answered(await connection.ask('/pid')).body;
      const known = held.get(pid) ?? [];
      known.push(connection);
      held.set(pid, known);
      return known.length === count ? [pid, ...known] : undefined;
    },
    0,
  );
}

const asked = (fleet: Fleet, path: string): Promise<LogLine> => fleet.line(new RegExp(`^asked ${path}$`));
const isAbout = (pid: string, saying: RegExp) => (line: LogLine) => String(line.pid) === pid && saying.test(line.msg);

/** Node 20 and 22 end with a call that runs in a tick, or after an `await`. */
const survivesTicks = Number.parseInt(process.versions.node, 10) >= 24;

for (const path of survivesTicks ? ['/loop', '/io', '/body'] : ['/loop']) {
  test.serial(
    `a loop in a request (${path}) is named, ended and answered 503; innocent requests on the same worker get 200`,
    async (t) => {
      const { fleet, target } = await start(t, 2);
      const [pid, innocent, guilty] = await toOne(t, target, 2);
      const slow = innocent?.ask('/slow');
      await asked(fleet, '/slow');
      const failing = guilty?.ask(path);
      await fleet.line(/^spinning$/);

      t.log('others take new connections meanwhile');
      for (let i = 0; i < 20; i++) t.not(answered(await ask(t, target, '/pid')).body, pid);

      const line = await fleet.line(isAbout(pid, /is stuck in spin/));
      t.regex(line.msg, new RegExp(`hanging\\.mjs:9:\\d+\\) – GET ${path} \\(request [\\w-]+\\)$`));
      t.regex(String(line['stack']), /at spin \(.*hanging\.mjs:9:\d+\)\n/);
      t.like(line['request'], { method: 'GET', path });
      t.like(await slow, { became: 'answered', status: 200, body: 'slow' });
      t.like(await failing, { became: 'answered', status: 503 });
      await fleet.line(isAbout(pid, /is free again: the request that held it up is answered 503, its others waited/));
      await fleet.line(isAbout(pid, /is gone \(exit code 81\)/));
      await fleet.line(/^worker 3 is ready/);
      t.is(
        fleet.lines.filter(({ stream }) => stream === 'stderr').length,
        0,
        'nothing that Node says of its inspector',
      );
      t.is(await fleet.stop(), 0);
    },
  );
}

for (const path of survivesTicks ? ['/timer', '/immediate'] : ['/timer', '/immediate', '/later', '/io', '/body']) {
  test.serial(
    `a loop that cannot be ended (${path}): what was open is answered 503, and the worker is killed and replaced`,
    async (t) => {
      const { fleet, target } = await start(t, 1);
      const [pid, innocent, guilty] = await toOne(t, target, 2);
      const slow = innocent?.ask('/slow');
      await asked(fleet, '/slow');
      const failing = guilty?.ask(path);
      await fleet.line(isAbout(pid, new RegExp(`is stuck in spin \\(.*\\) – GET ${path} `)));
      t.like(await failing, { became: 'answered', status: 503 });
      t.like(await slow, { became: 'answered', status: 503 });
      await fleet.line(isAbout(pid, /is killed: its event loop stands still; its clients waited/));
      await fleet.line(/^worker 2 is ready/);
      t.like(await ask(t, target, '/pid'), { status: 200 });
      t.is(await fleet.stop(), 0);
    },
  );
}

test.serial(
  'over HTTP/2 too, what was open in a worker that is to be killed is answered 503, on every session',
  async (t) => {
    const { fleet, target } = await start(t, 1, { args: ['--', 'http2'] });
    const [one, other] = await Promise.all([1, 2].map(() => openSession(t, `http://127.0.0.1:${target.port}`)));
    if (!one || !other) throw new Error('unreachable');
    const slow = [one, one, other].map((session) => askStream(session, { path: '/never' }));
    await fleet.line((line) => line.msg === 'asked /never' && count(fleet) === 3);
    const failing = askStream(other, { path: '/timer' });
    await fleet.line(/^worker 1 is stuck in spin \(.*\) – GET \/timer /);
    for (const outcome of [...(await Promise.all(slow)), await failing]) t.like(outcome, { status: 503, code: 0 });
    t.regex(String((await failing).headers['x-request-id']), /^[\w-]{36}$/);
    await fleet.line(/^worker 1 was out of time with 4 requests open: 4 answered 503, 0 broken off/);
    await fleet.line(/^worker 1 is killed: its event loop stands still/);
    await fleet.line(/^worker 2 is ready/);
    t.is(await fleet.stop(), 0);
  },
);

const count = (fleet: Fleet): number => fleet.lines.filter(({ msg }) => msg === 'asked /never').length;

test.serial(
  'a worker that is stopped (SIGSTOP) is killed and replaced; nobody who waits in the backlog is lost',
  async (t) => {
    const { fleet, target } = await start(t, 2);
    const pids = fleet.lines.filter(({ msg }) => /is ready/.test(msg)).map(({ pid }) => String(pid));
    const [stopped = ''] = pids;
    for (const pid of pids) process.kill(Number(pid), 'SIGSTOP');
    const waiting = Array.from({ length: 20 }, () => ask(t, target, '/pid'));
    process.kill(Number(pids[1]), 'SIGCONT');
    for (const outcome of await Promise.all(waiting))
      t.like(outcome, { became: 'answered', status: 200, body: pids[1] });
    await fleet.line(isAbout(stopped, /is stuck, and cannot be looked into: it is stopped by a signal/));
    const { msg } = await fleet.line(isAbout(stopped, /is killed: its event loop stands still/));
    const [, waited = ''] = /waited ([\d.]+) s$/.exec(msg) ?? [];
    t.true(Number(waited) < HANG_MS / 1000 + 1, msg);
    await fleet.line(/^worker 3 is ready/);
    t.is(await fleet.stop(), 0);
  },
);

for (const [title, options, why] of [
  ['keeps SIGUSR1 for itself', { args: ['--', 'deaf'] }, /its inspector does not answer/],
  ['has an inspector open', { args: ['--node-args', '--inspect=127.0.0.1:0'] }, /its inspector is open already/],
  ...(process.allowedNodeEnvironmentFlags.has('--disable-sigusr1')
    ? ([
        [
          'was started with --disable-sigusr1',
          { args: ['--node-args', '--disable-sigusr1'] },
          /it does not listen to SIGUSR1/,
        ],
      ] as const)
    : []),
] as const)
  test.serial(`a worker that ${title} is not looked into, says so, and is killed all the same`, async (t) => {
    const { fleet, target } = await start(t, 1, { args: [...options.args] });
    const lost = ask(t, target, '/loop');
    const said = await fleet.line(/^worker 1 is stuck, and cannot be looked into: /);
    t.regex(said.msg, why);
    await fleet.line(/^worker 1 is killed: its event loop stands still/);
    t.is((await lost).became, 'broken');
    await fleet.line(/^worker 2 is ready/);
    t.is(await fleet.stop(), 0);
  });

test.serial('onHang "report" kills nobody, "kill" frees nobody', async (t) => {
  const reporting = await start(t, 1, { env: { CORDON_HEALTH_ON_HANG: 'report' } });
  const killing = await start(t, 1, { env: { CORDON_HEALTH_ON_HANG: 'kill' } });
  void ask(t, reporting.target, '/loop');
  const refused = ask(t, killing.target, '/loop');
  await killing.fleet.line(/^worker 1 is stuck in spin/);
  t.like(await refused, { became: 'answered', status: 503 });
  await killing.fleet.line(/^worker 1 is killed: its event loop stands still/);
  await killing.fleet.line(/^worker 2 is ready/);
  const { pid } = await reporting.fleet.line(/^worker 1 is stuck in spin/);
  t.notThrows(() => process.kill(Number(pid), 0));
  t.is(reporting.fleet.lines.filter(({ msg }) => /killed|drains/.test(msg)).length, 0);
  t.is(await killing.fleet.stop(), 0);
});

test.serial(
  'a supervisor that was stopped longer than any worker may be silent kills nobody when it goes on',
  async (t) => {
    const { fleet, target } = await start(t, 2);
    const pids = fleet.lines.filter(({ msg }) => /is ready/.test(msg)).map(({ pid }) => Number(pid));
    const all = [...pids, Number(fleet.child.pid)];
    for (const pid of all) process.kill(pid, 'SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 2 * HANG_MS));
    for (const pid of all.toReversed()) process.kill(pid, 'SIGCONT');
    for (let i = 0; i < 10; i++) t.like(await ask(t, target, '/pid'), { status: 200 });
    t.is(await fleet.stop(), 0);
    t.deepEqual(
      fleet.lines.filter(({ msg }) => /stuck|killed|looked into/.test(msg)).map(({ msg }) => msg),
      [],
    );
  },
);
