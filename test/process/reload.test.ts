// New releases under load: a good one loses nothing, a bad one changes nothing.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { lost, startLoad } from '../support/load.js';
import { site, start, told } from '../support/site.js';
import { until } from '../support/until.js';

test.serial('a reload under load loses no request, and every worker runs the new release', async (t) => {
  const here = site(t);
  here.release('41');
  const { fleet, target } = await start(t, here);
  const load = startLoad(t, target, 8, (index) => ({ path: index % 4 === 0 ? '/slow' : '/' }));
  await load.reached(50);
  for (const generation of [2, 3]) {
    here.release(`release-${generation}`);
    fleet.child.kill('SIGHUP');
    await fleet.line(new RegExp(`^reload done: generation ${generation} serves`));
    await load.reached(load.told.length + 50);
  }
  t.deepEqual(lost(await load.end()), []);
  await fleet.line(/^worker 4 is gone/);
  t.like(await told(t, target), { name: 'release-3' });
  t.is(await fleet.stop(), 0);
});

test.serial('each generation finds its release where the link points to now, working directory included', async (t) => {
  const here = site(t, { script: 'current/server.mjs', workers: 1 });
  here.release('41');
  const { fleet, target } = await start(t, here);
  t.like(await told(t, target), { name: '41', folder: join(here.folder, '41') });
  here.release('42');
  const [{ pid } = { pid: 0 }] = fleet.lines.filter(({ msg }) => /is ready/.test(msg));
  process.kill(pid ?? 0, 'SIGKILL');
  await fleet.line(/^worker 2 is ready/);
  t.like(await told(t, target), { name: '41' }, 'a worker that is started again runs what its generation did');
  fleet.child.kill('SIGHUP');
  await fleet.line(/^worker 2 is gone/);
  t.like(await told(t, target), { name: '42', folder: join(here.folder, '42') });
  t.is(await fleet.stop(), 0);
});

test.serial('an environment variable that was removed is gone, and a new one is there', async (t) => {
  const here = site(t, { workers: 1, env: { EXTRA: 'first' } });
  here.release('41');
  const { fleet, target } = await start(t, here);
  t.like(await told(t, target), { extra: 'first' });
  here.configure({ workers: 1, env: {} });
  fleet.child.kill('SIGHUP');
  await fleet.line(/^worker 1 is gone/);
  t.like(await told(t, target), { extra: null });
  t.is(await fleet.stop(), 0);
});

test.serial('a configuration that is wrong changes nothing, and every problem is told', async (t) => {
  const here = site(t, { workers: 1 });
  here.release('41');
  const { fleet, target } = await start(t, here);
  here.configure({ workers: 0, wrokers: 3 });
  fleet.child.kill('SIGHUP');
  const { msg, level } = await fleet.line(/^nothing was changed/);
  t.is(level, 'error');
  t.regex(msg, /workers/);
  t.regex(msg, /wrokers/);
  t.like(await told(t, target), { name: '41' });
  here.configure({ workers: 1 });
  fleet.child.kill('SIGHUP');
  await fleet.line(/^reload done: generation 2/);
  t.is(await fleet.stop(), 0);
});

for (const [how, why, config] of [
  ['dies', /came to nothing: worker 3 died before it was ready \(exit code 7\); generation 1 serves on/, {}],
  [
    'never',
    /came to nothing: worker 3 was not ready in 1 s: the old ones listen on 127\.0\.0\.1:0, it does not; generation 1 serves on/,
    {},
  ],
  [
    'ill',
    /came to nothing: worker 3 was not ready in 1 s; generation 1 serves on/,
    { ready: { on: { http: '/well' } } },
  ],
] as const)
  test.serial(
    `a release that ${{ dies: 'dies at its start', never: 'never listens', ill: 'does not call itself well' }[how]} costs no request, and the old one serves on`,
    async (t) => {
      const here = site(t, config);
      here.release('41');
      const { fleet, target } = await start(t, here);
      const load = startLoad(t, target, 8, () => ({ path: '/' }));
      await load.reached(50);
      here.release('42', { [how]: true });
      // Not before: on a busy machine the first workers may take longer than that.
      here.configure({ ready: { ...('ready' in config && config.ready), timeout: how === 'dies' ? '30s' : '1s' } });
      fleet.child.kill('SIGHUP');
      await fleet.line(why);
      await load.reached(load.told.length + 50);
      t.deepEqual(lost(await load.end()), []);
      t.like(await told(t, target), { name: '41' });
      t.is(await fleet.stop(), 0);
      if (how === 'dies') t.true(fleet.lines.some(({ msg, worker }) => worker === 3 && msg === 'no luck in 42'));
    },
  );

test.serial('a canary that fails a third of its requests is taken back, and the others never ran it', async (t) => {
  const here = site(t, { reload: { canary: true, bake: '20s' }, health: { beat: '100ms' } });
  here.release('41');
  const { fleet, target } = await start(t, here);
  const load = startLoad(t, target, 8, () => ({ path: '/' }), { keepAlive: false });
  await load.reached(50);
  here.release('42', { fails: true });
  fleet.child.kill('SIGHUP');
  const { msg } = await fleet.line(/^reload of generation 2 came to nothing/);
  t.regex(msg, /it failed \d+ of \d+ requests; the old one 0 of \d+ requests; generation 1 serves on/);
  await fleet.line(/^worker 3 is gone/);
  const before = load.told.length;
  await load.reached(before + 100);
  const all = await load.end();
  t.deepEqual(
    lost(all).filter((line) => line !== '/: 500'),
    [],
  );
  t.deepEqual(lost(all.slice(before + 20)), [], 'once it is gone nothing fails');
  t.is(fleet.lines.filter(({ msg: said, generation }) => generation === 2 && / starts in slot/.test(said)).length, 1);
  t.is(await fleet.stop(), 0);
});

test.serial('a canary that does well is followed by the others', async (t) => {
  const here = site(t, { reload: { canary: true, bake: '500ms' }, health: { beat: '100ms' } });
  here.release('41');
  const { fleet, target } = await start(t, here);
  const load = startLoad(t, target, 4, () => ({ path: '/' }));
  here.release('42');
  fleet.child.kill('SIGHUP');
  await fleet.line(/^generation 2 did well for 500 ms/);
  await fleet.line(/^reload done: generation 2 serves/);
  t.deepEqual(lost(await load.end()), []);
  t.is(await fleet.stop(), 0);
});

test.serial('an address that a failed reload had added is free again, and a later reload has it', async (t) => {
  const here = site(t, { workers: 1 });
  here.release('41');
  const { fleet } = await start(t, here);
  const added = join(here.folder, 'added');
  here.configure({ workers: 1, listen: [`unix:${added}`] });
  for (const name of ['42', '43']) {
    here.release(name, { dies: true });
    const from = fleet.lines.length;
    fleet.child.kill('SIGHUP');
    await fleet.line(/came to nothing: worker \d died before it was ready/, from);
    await until(`${added} is gone`, () => !existsSync(added));
  }
  here.release('44');
  fleet.child.kill('SIGHUP');
  await fleet.line(/^reload done: generation 4/);
  t.true(existsSync(added));
  t.is(await fleet.stop(), 0);
});

test.serial('a reload during a reload supersedes it', async (t) => {
  const here = site(t, { ready: { timeout: '60s' } });
  here.release('41');
  const { fleet, target } = await start(t, here);
  here.release('42', { never: true });
  fleet.child.kill('SIGHUP');
  await fleet.line(/^worker 3 starts/);
  here.release('43');
  fleet.child.kill('SIGHUP');
  await fleet.line(/^reload of generation 2 came to nothing: generation 3 was asked for/);
  await fleet.line(/^reload done: generation 3 serves/);
  t.like(await told(t, target), { name: '43' });
  t.is(await fleet.stop(), 0);
});

test.serial('a stop during a reload wins', async (t) => {
  const here = site(t, { ready: { timeout: '60s' } });
  here.release('41');
  const { fleet } = await start(t, here);
  here.release('42', { never: true });
  fleet.child.kill('SIGHUP');
  await fleet.line(/^worker 3 starts/);
  t.is(await fleet.stop(), 0);
  t.true(fleet.lines.some(({ msg }) => msg === 'reload of generation 2 came to nothing: the fleet stops'));
});
