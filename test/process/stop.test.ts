// The end of a fleet: gently for one signal, at once for a second, and nobody is left behind.
import test, { type ExecutionContext } from 'ava';
import { ask, bytesOf, Connection } from '../support/client.js';
import { type Fleet, fixture, startFleet } from '../support/fleet.js';
import { dropped, startLoad } from '../support/load.js';
import { gone, workersOf } from '../support/processes.js';
import { until } from '../support/until.js';

async function start(
  t: ExecutionContext,
  workers: number,
  ...args: string[]
): Promise<{ fleet: Fleet; target: { port: number } }> {
  const fleet = startFleet(t, [fixture('process/busy.mjs'), '-w', String(workers), ...args]);
  const target = { port: await fleet.port() };
  await fleet.ready();
  return { fleet, target };
}

/** Waits until nobody listens any more. */
async function refused(t: ExecutionContext, target: { port: number }): Promise<void> {
  await until('connections are refused', async () => {
    const outcome = await ask(t, target, '/ok');
    return outcome.became === 'broken' && outcome.why === 'ECONNREFUSED';
  });
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} under load: what was accepted is answered, and the exit code is 0`, async (t) => {
    const { fleet, target } = await start(t, 2);
    const load = startLoad(t, target, 8, (index) => ({ path: index % 2 === 0 ? '/slow?ms=30' : '/ok' }));
    await load.reached(100);
    const slow = new Connection(t, target);
    t.like(await slow.ask('/ok'), { status: 200 });
    const answer = slow.ask('/slow?ms=500');
    fleet.child.kill(signal);
    await fleet.line(/^stopping: 2 workers finish/);
    await refused(t, target);
    t.like(await answer, { status: 200 });
    t.is(await fleet.ended, 0);
    await gone(workersOf(fleet));
    t.deepEqual(dropped(await load.end()), []);
  });
}

test('who was connected before the signal is answered, accepted or not', async (t) => {
  const { fleet, target } = await start(t, 1);
  const blocked = new Connection(t, target);
  blocked.send(bytesOf({ path: '/block?ms=1000' }));
  // Accepted by nobody: the only worker is blocked, or will be.
  const waiting = await Promise.all(Array.from({ length: 40 }, () => new Connection(t, target).connected()));
  fleet.child.kill('SIGTERM');
  await fleet.line(/^worker 1 drains/);
  for (const answer of await Promise.all(waiting.map((connection) => connection.ask('/ok'))))
    t.like(answer, { became: 'answered', status: 200 });
  for (const connection of waiting) connection.close();
  blocked.close();
  t.is(await fleet.ended, 0);
});

for (const [second, code] of [
  ['SIGTERM', 143],
  ['SIGINT', 130],
] as const) {
  test(`a second signal (${second}) ends at once, with ${code}`, async (t) => {
    const { fleet, target } = await start(t, 2);
    const child = await ask(t, target, '/child');
    const never = new Connection(t, target);
    t.like(await never.ask('/ok'), { status: 200 });
    const open = never.ask('/never');
    fleet.child.kill('SIGTERM');
    await fleet.line(/^stopping/);
    fleet.child.kill(second);
    t.is(await fleet.ended, code);
    t.is((await open).became, 'broken');
    await gone([...workersOf(fleet), Number(child.became === 'answered' && child.body)]);
  });
}

test('SIGQUIT ends at once, with 131', async (t) => {
  const { fleet } = await start(t, 2);
  fleet.child.kill('SIGQUIT');
  t.is(await fleet.ended, 131);
  await gone(workersOf(fleet));
});

test('a worker takes its own children with it', async (t) => {
  const { fleet, target } = await start(t, 1);
  const child = await ask(t, target, '/child');
  t.is(child.became, 'answered');
  t.is(await fleet.stop(), 0);
  await gone([...workersOf(fleet), Number(child.became === 'answered' && child.body)]);
});

test('SIGTERM before any worker is ready ends soon, with 0', async (t) => {
  const fleet = startFleet(t, [fixture('process/busy.mjs'), '-w', '2']);
  await fleet.line(/^worker 2 starts/);
  t.is(await fleet.stop(), 0);
  t.false(fleet.lines.some(({ msg }) => / is killed/.test(msg)));
  await gone(workersOf(fleet));
});

test('SIGTERM amid a crash loop ends it, with 0', async (t) => {
  const fleet = startFleet(t, [fixture('process/crashing.mjs'), '-w', '2']);
  await fleet.line(/the next one starts in/);
  t.is(await fleet.stop(), 0);
  await gone(workersOf(fleet));
});

test('a worker that cannot stop is cut by the stop timeout, one that is stuck is killed a little later', async (t) => {
  const { fleet, target } = await start(t, 1, '--stop-timeout', '300ms');
  const never = new Connection(t, target);
  t.like(await never.ask('/ok'), { status: 200 });
  const cut = never.ask('/never');
  t.is(await fleet.stop(), 0);
  t.like(await cut, { status: 503 });
  await fleet.line(/^worker 1 was out of time/);

  const stuck = await start(t, 1, '--stop-timeout', '300ms');
  const blocked = ask(t, stuck.target, '/block?ms=60000');
  stuck.fleet.child.kill('SIGTERM');
  t.is(await stuck.fleet.ended, 0);
  t.is((await blocked).became, 'broken');
  await gone(workersOf(stuck.fleet));
});
