// A configuration that is watched, edited under load. The long form is `npm run bench:config`.
import { mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { ask } from '../support/client.js';
import { cordon } from '../support/cordon.js';
import { fixture, startFleet } from '../support/fleet.js';
import { lost, startLoad } from '../support/load.js';

const says = (value: string, more: object = {}): string =>
  JSON.stringify({
    name: 'api',
    script: fixture('process/app.mjs'),
    workers: 1,
    env: { VALUE: value },
    stop: { linger: '100ms' },
    control: { watchConfig: true },
    ...more,
  });

test.serial(
  'edits by rename, by symlink and in place, half of them broken: no request is lost, one reload for each good one, and what runs is the last good one',
  async (t) => {
    const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cordon-')));
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    const file = join(folder, 'cordon.config.json');
    let edits = 0;
    const put = {
      inPlace: (text: string) => writeFileSync(file, text),
      byRename: (text: string) => {
        writeFileSync(`${file}.new`, text);
        renameSync(`${file}.new`, file);
      },
      bySymlink: (text: string) => {
        writeFileSync(join(folder, `revision-${++edits}.json`), text);
        symlinkSync(`revision-${edits}.json`, `${file}.new`);
        renameSync(`${file}.new`, file);
      },
    };
    put.inPlace(says('0'));
    const fleet = startFleet(t, [], { cwd: folder });
    const target = { port: await fleet.port() };
    await fleet.ready();
    const load = startLoad(t, target, 2, () => ({ path: '/' }));
    await load.reached(20);

    const ways = [put.bySymlink, put.byRename, put.inPlace];
    for (const [i, way] of ways.entries()) {
      const from = fleet.lines.length;
      way(i === 1 ? says(`${i}`, { wrokers: 3 }) : says(`${i}`).slice(0, -20));
      await fleet.line(/^nothing was changed/, from);
      way(says(`${i + 1}`));
      await fleet.line(/^reload done: generation/, from);
    }
    // Two at once: a bad one that is never seen, or is seen and changes nothing, and what only touches the file.
    const from = fleet.lines.length;
    put.byRename('{');
    put.byRename(says('4'));
    await fleet.line(/^reload done: generation 5 serves/, from);
    put.byRename(says('4'));
    put.byRename(says('4', { workers: 2 }));
    await fleet.line(/^scale: from 1 to 2 workers/, from);
    await load.reached(load.told.length + 20);
    t.deepEqual(lost(await load.end()), []);

    const outcome = await ask(t, target, '/');
    t.like(JSON.parse(outcome.became === 'answered' ? outcome.body : '{}'), { value: '4' });
    const reloads = fleet.lines.filter(({ msg }) => msg.startsWith('reload: generation'));
    t.is(reloads.length, 4, 'what changes at once, or not at all, replaces nobody');

    // What a running fleet cannot take up is refused, whatever else has changed; `diff` says so before.
    put.byRename(says('5', { name: 'web' }));
    t.regex((await fleet.line(/^nothing was changed: name cannot change/)).msg, /stop it and start it again/);
    const [{ out }, reload] = await Promise.all([cordon(t, fleet, ['diff']), cordon(t, fleet, ['reload'])]);
    t.regex(
      out,
      /^web: must be stopped and started again\n {2}restart {2}name .*\n {2}live {5}workers .*\n {2}reload {3}env\.VALUE +changed\n$/,
    );
    t.is(reload.code, 1);
    put.byRename('{');
    t.is((await cordon(t, fleet, ['reload'])).code, 78);
    t.is(await fleet.stop(), 0);
  },
);
