// More workers, fewer, and all at once anew: clients notice nothing.
import test, { type ExecutionContext } from 'ava';
import { ask } from '../support/client.js';
import { commanded } from '../support/commanded.js';
import { type Fleet, fixture, startFleet } from '../support/fleet.js';
import { lost, startLoad } from '../support/load.js';
import { gone } from '../support/processes.js';

async function start(t: ExecutionContext, workers: number): Promise<{ fleet: Fleet; target: { port: number } }> {
  const fleet = startFleet(t, [fixture('process/busy.mjs'), '-w', String(workers)]);
  const target = { port: await fleet.port() };
  await fleet.ready();
  return { fleet, target };
}

test.serial('SIGTTIN adds a worker and SIGTTOU takes one away, under load, and no request is lost', async (t) => {
  const { fleet, target } = await start(t, 1);
  const load = startLoad(t, target, 8, (index) => ({ path: index % 2 === 0 ? '/slow?ms=20' : '/ok' }));
  await load.reached(50);
  for (const id of [2, 3]) {
    fleet.child.kill('SIGTTIN');
    await fleet.line(new RegExp(`^worker ${id} is ready \\(2 of 2\\)`));
    await load.reached(load.told.length + 50);
    fleet.child.kill('SIGTTOU');
    await fleet.line(new RegExp(`^worker ${id} is gone`));
  }
  t.deepEqual(lost(await load.end()), []);
  t.is(await fleet.stop(), 0);
});

test.serial('the last worker cannot be taken away', async (t) => {
  const { fleet, target } = await start(t, 1);
  fleet.child.kill('SIGTTOU');
  await fleet.line(/^nothing was changed: expected from 1 to 1024 workers, got 0/);
  t.like(await ask(t, target, '/ok'), { status: 200 });
  t.is(await fleet.stop(), 0);
});

test.serial('a restart replaces every worker at once under load: clients wait, and none is refused', async (t) => {
  const fleet = commanded(t, { script: fixture('process/busy.mjs'), workers: 2 });
  const target = { port: await fleet.port() };
  const load = startLoad(t, target, 8, (index) => ({ path: index % 2 === 0 ? '/slow?ms=20' : '/ok' }));
  await load.reached(50);
  const { workers } = await fleet.command('status');
  t.deepEqual(await fleet.command('restart'), { ok: true });
  await gone((workers as { pid: number }[]).map(({ pid }) => pid));
  await load.reached(load.told.length + 50);
  t.deepEqual(lost(await load.end()), []);
  t.like(await fleet.command('status'), { state: 'serving', size: 2, serving: 2, generation: 2 });
  t.is(await fleet.stop(), 0);
});

test.serial('a worker that is to be drained is replaced first', async (t) => {
  const fleet = commanded(t, { script: fixture('process/busy.mjs'), workers: 1 });
  const target = { port: await fleet.port() };
  const load = startLoad(t, target, 4, () => ({ path: '/ok' }));
  await load.reached(20);
  t.deepEqual(await fleet.command('drain', 1), { ok: true });
  t.deepEqual(lost(await load.end()), []);
  t.like(await fleet.command('drain', 1), { ok: false, why: 'there is no worker 1; there are 2' });
  t.is(await fleet.stop(), 0);
});

test.serial('scale, reload and their progress are told to whoever asks', async (t) => {
  const fleet = commanded(t, { script: fixture('process/busy.mjs'), workers: 1 });
  await fleet.port();
  t.deepEqual(await fleet.command('scale', { to: 3 }), { ok: true, from: 1, to: 3 });
  t.deepEqual(await fleet.command('scale', { by: -1 }), { ok: true, from: 3, to: 2 });
  t.like(await fleet.command('scale', { to: 0 }), { ok: false });
  t.deepEqual(await fleet.command('reload', {}), { ok: true, generation: 2 });
  t.like(await fleet.command('status'), { size: 2, serving: 2, generation: 2 });
  t.true(
    fleet.progress.some((text) => /^1\/2 workers ready \(\d booting, \d+ s\)$/.test(text)),
    fleet.progress.join(),
  );
  t.is(await fleet.stop(), 0);
});

test.serial(
  'a reload that fails says why, a restart that does says that it goes on, in its outcome, with the last words of the worker',
  async (t) => {
    const fleet = commanded(t, { script: fixture('process/busy.mjs'), workers: 1 });
    await fleet.port();
    await fleet.reconfigure({ script: fixture('process/crashing.mjs'), workers: 1 });
    const outcome = await fleet.command('reload', {});
    t.like(outcome, { ok: false, generation: 2, why: 'worker 2 died before it was ready (exit code 1)' });
    t.true((outcome['lastWords'] as string[]).some((line) => line.startsWith('Error')));
    await fleet.reconfigure({ workers: -1 });
    t.like(await fleet.command('reload', {}), { ok: false, generation: 1, lastWords: [] });
    await fleet.reconfigure({ script: fixture('process/crashing.mjs'), workers: 1 });
    const restarted = await fleet.command('restart');
    t.like(restarted, { ok: false, became: 'goes-on' });
    t.regex(
      String(restarted['why']),
      /died before it was ready; the next one is tried, and 0 of 1 worker serve meanwhile/,
    );
    t.is(await fleet.stop(), 0);
  },
);
