// The way back to the generation before.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { cordon } from '../support/cordon.js';
import { lost, startLoad } from '../support/load.js';
import { site, start, told } from '../support/site.js';

test.serial(
  'a rollback under load goes back to the paths and variables of the generation before, and loses no request',
  async (t) => {
    const here = site(t, { name: 'shop', env: { EXTRA: 'old' } });
    here.release('41');
    const { fleet, target } = await start(t, here);
    const none = await cordon(t, fleet, ['rollback', 'shop']);
    t.is(none.code, 1);
    t.regex(none.err, /it was not rolled back, .*: this supervisor has run nothing else before/);

    const load = startLoad(t, target, 8, (index) => ({ path: index % 4 === 0 ? '/slow' : '/' }));
    await load.reached(50);
    here.release('42');
    here.configure({ name: 'shop', workers: 1, env: { EXTRA: 'new' } });
    t.is((await cordon(t, fleet, ['reload', 'shop'])).code, 0);
    const back = await cordon(t, fleet, ['rollback', 'shop']);
    t.is(back.code, 0, back.err);
    t.regex(back.out, /^shop serves what generation 1 ran \(.*\/releases\.mjs\) as generation 3 \(\d+\.\d s\)\n$/);
    await load.reached(load.told.length + 50);
    t.deepEqual(lost(await load.end()), []);
    t.like(await told(t, target), { name: '41', folder: join(here.folder, '41'), extra: 'old' });
    t.is(
      fleet.lines.filter(({ msg, generation }) => generation === 3 && / starts in slot/.test(msg)).length,
      1,
      'the number of workers belongs to the fleet, not to its release',
    );

    // A release that never gets ready is called off.
    here.release('43', { never: true });
    const reload = cordon(t, fleet, ['reload', 'shop']);
    await fleet.line(/^reload: generation 4 begins/);
    const off = await cordon(t, fleet, ['rollback', 'shop']);
    t.regex(off.out, /^shop serves generation 3 \(.*\) and called the reload off/, off.err);
    t.regex((await reload).err, /it was called off/);
    t.like(await told(t, target), { name: '41' });

    rmSync(join(here.folder, '42'), { recursive: true });
    const gone = await cordon(t, fleet, ['rollback', 'shop', '--json']);
    t.is(gone.code, 1);
    t.like(JSON.parse(gone.out), {
      ok: false,
      generation: 3,
      why: `what generation 2 ran is no longer there: ${join(here.folder, '42')} is gone`,
    });
    t.like(await told(t, target), { name: '41' });
    t.is(await fleet.stop(), 0);
  },
);
