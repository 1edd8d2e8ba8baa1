// What requests have set in motion beyond their answers: with `stop.drain: 'tasks'` a drain waits for it.
import test, { type ExecutionContext } from 'ava';
import { ask } from '../support/client.js';
import { type Fleet, fixture, startFleet } from '../support/fleet.js';

async function start(t: ExecutionContext, drain: string, ...args: string[]): Promise<{ fleet: Fleet; port: number }> {
  const fleet = startFleet(t, [fixture('process/background.mjs'), '-w', '1', ...args], {
    env: { CORDON_STOP_DRAIN: drain },
  });
  const port = await fleet.port();
  await fleet.ready();
  return { fleet, port };
}

const said = (fleet: Fleet, text: string): boolean => fleet.lines.some(({ msg }) => msg === text);

for (const [path, text] of [
  ['/promises', 'promises are done'],
  ['/timer', 'a timer is done'],
] as const)
  test(`a drain waits for what a request has begun (${path}), where it is told to`, async (t) => {
    const { fleet, port } = await start(t, 'tasks');
    t.like(await ask(t, { port }, path), { status: 200 });
    t.is(await fleet.stop(), 0);
    t.true(said(fleet, text));

    const other = await start(t, 'requests');
    t.like(await ask(t, { port: other.port }, path), { status: 200 });
    t.is(await other.fleet.stop(), 0);
    t.false(said(other.fleet, text), 'and only there');
  });

test('a request that has begun nothing holds no drain, and one that never ends is cut by the timeout', async (t) => {
  const { fleet, port } = await start(t, 'tasks', '--stop-timeout', '500ms');
  t.like(await ask(t, { port }, '/nothing'), { status: 200 });
  t.is(await fleet.stop(), 0);
  t.false(fleet.lines.some(({ msg }) => /exit code 82/.test(msg)));

  const endless = await start(t, 'tasks', '--stop-timeout', '500ms');
  t.like(await ask(t, { port: endless.port }, '/never'), { status: 200 });
  t.is(await endless.fleet.stop(), 0);
  await endless.fleet.line(/exit code 82/);
});

test('what fails in the background is in the log, and the worker is replaced', async (t) => {
  const { fleet, port } = await start(t, 'tasks');
  t.like(await ask(t, { port }, '/late'), { status: 200 });
  await fleet.line(/too late/);
  await fleet.line(/^worker 2 is ready/);
  t.is(await fleet.stop(), 0);
});
