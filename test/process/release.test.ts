// A link to the release that runs.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { cordon } from '../support/cordon.js';
import { fixture } from '../support/fleet.js';
import { lost, startLoad } from '../support/load.js';
import { site, start, told } from '../support/site.js';

test('a switched link reloads by itself under load, once, also where a reload was asked for', async (t) => {
  const here = site(t, { name: 'shop', workers: 1, watch: { release: 'current', debounce: '500ms' } });
  here.release('41');
  const { fleet, target } = await start(t, here);
  const load = startLoad(t, target, 4, () => ({ path: '/' }));
  await load.reached(20);
  here.release('42');
  await fleet.line(/current leads to .*\/42 now: reload$/);
  await fleet.line(/^reload done: generation 2 serves/);
  await load.reached(load.told.length + 20);
  t.deepEqual(lost(await load.end()), []);
  await fleet.line(/^worker 1 is gone/);
  t.like(await told(t, target), { name: '42' });

  here.release('43');
  fleet.child.kill('SIGHUP');
  await fleet.line(/^reload done: generation 3 serves/);
  t.is((await cordon(t, fleet, ['reload', 'shop'])).code, 0, 'the same once more');
  const back = await cordon(t, fleet, ['rollback', 'shop']);
  t.regex(back.out, /^shop serves what generation 2 ran /, back.err);
  await fleet.line(({ msg, generation }) => generation === 4 && / is gone/.test(msg));
  t.like(await told(t, target), { name: '42' });

  here.release('44', { dies: true });
  await fleet.line(/^reload of generation 6 came to nothing/);
  here.release('45');
  await fleet.line(/^reload done: generation 7 serves/);
  await fleet.line(({ msg, generation }) => generation === 5 && / is gone/.test(msg));
  t.like(await told(t, target), { name: '45' });
  const seen = fleet.lines.flatMap(({ msg }) => / leads to .*\/(\d+) now: reload$/.exec(msg)?.[1] ?? []);
  t.deepEqual(seen, ['42', '44', '45'], 'what was reloaded already is not reloaded again, nor what was taken back');
  t.is(await fleet.stop(), 0);
});

test('a switch whose reload was asked for is no second reload, however long the configuration takes to be read', async (t) => {
  const here = site(t);
  here.release('41');
  const config = { script: fixture('process/releases.mjs'), cwd: 'current', workers: 1 };
  rmSync(join(here.folder, 'cordon.config.json'));
  writeFileSync(
    join(here.folder, 'cordon.config.mjs'),
    `await new Promise((done) => setTimeout(done, 1500));
     export default ${JSON.stringify({ ...config, watch: { release: 'current', debounce: '100ms' } })}`,
  );
  const { fleet } = await start(t, here);
  here.release('42');
  fleet.child.kill('SIGHUP');
  await fleet.line(/^reload done: /);
  await fleet.line(/^worker 1 is gone/);
  t.deepEqual(
    fleet.lines.filter(({ msg }) => msg.endsWith(' now: reload')),
    [],
  );
  t.is(await fleet.stop(), 0);
});
