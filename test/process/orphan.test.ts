// Workers without a supervisor: they finish what they have, and go.
import test, { type ExecutionContext } from 'ava';
import { Connection, type Outcome } from '../support/client.js';
import { type Fleet, fixture, startFleet } from '../support/fleet.js';
import { dropped, lost, startLoad } from '../support/load.js';
import { gone, isAlive, workersOf } from '../support/processes.js';

async function start(t: ExecutionContext, ...args: string[]): Promise<{ fleet: Fleet; target: { port: number } }> {
  const fleet = startFleet(t, [fixture('process/busy.mjs'), '-w', '2', ...args]);
  const target = { port: await fleet.port() };
  await fleet.ready();
  return { fleet, target };
}

/** Requests in flight when the supervisor goes. */
async function inFlight(t: ExecutionContext, target: { port: number }, path: string): Promise<Promise<Outcome>[]> {
  const connections = Array.from({ length: 4 }, () => new Connection(t, target));
  for (const connection of connections) t.like(await connection.ask('/ok'), { status: 200 });
  return connections.map((connection) => connection.ask(path));
}

test('a supervisor that is killed under load: what is in flight is answered, and the workers go', async (t) => {
  const { fleet, target } = await start(t);
  const load = startLoad(t, target, 8, (index) => ({ path: index % 2 === 0 ? '/slow?ms=30' : '/ok' }));
  await load.reached(100);
  const slow = await inFlight(t, target, '/slow?ms=500');
  const workers = workersOf(fleet);
  fleet.child.kill('SIGKILL');
  for (const answer of await Promise.all(slow)) t.like(answer, { status: 200 });
  await gone(workers);
  t.deepEqual(dropped(await load.end()), []);
  t.is(await fleet.ended, 137);
});

test('a supervisor that is stopped, and killed then, while connections come in', async (t) => {
  const { fleet, target } = await start(t);
  const workers = workersOf(fleet);
  fleet.child.kill('SIGSTOP');
  const load = startLoad(t, target, 8, (index) => ({ path: index % 10 === 0 ? '/slow?ms=30' : '/ok' }), {
    keepAlive: false,
  });
  await load.reached(300);
  t.deepEqual(lost(load.told), [], 'workers serve while their supervisor is stopped');
  t.true(workers.every(isAlive));
  const slow = await inFlight(t, target, '/slow?ms=300');
  fleet.child.kill('SIGKILL');
  for (const answer of await Promise.all(slow)) t.like(answer, { status: 200 });
  await gone(workers);
  t.deepEqual(dropped(await load.end()), []);
});

test('an orphan that never finishes is gone when its kill timer is', async (t) => {
  const { fleet, target } = await start(t, '--kill-timeout', '400ms');
  const open = await inFlight(t, target, '/never');
  const workers = workersOf(fleet);
  fleet.child.kill('SIGKILL');
  for (const answer of await Promise.all(open)) t.like(answer, { status: 503 });
  await gone(workers);
});

test('an orphan that goes on printing does not die of it', async (t) => {
  const { fleet, target } = await start(t);
  const [printing] = await inFlight(t, target, '/tick?ms=400');
  fleet.child.kill('SIGKILL');
  t.like(await printing, { status: 200, body: 'ticked\n' });
  await gone(workersOf(fleet));
});
