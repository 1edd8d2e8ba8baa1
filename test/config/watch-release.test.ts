// A link that leads to another release.
import { mkdirSync, realpathSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { watchRelease } from '../../config/watch-release.js';
import { folderOf } from '../support/config.js';
import { until } from '../support/until.js';

interface Told {
  readonly all: readonly string[];
  readonly next: () => Promise<string>;
}

async function watched(t: ExecutionContext, link: string): Promise<Told> {
  const all: string[] = [];
  let taken = 0;
  const watching = watchRelease(
    link,
    realpathSync(link),
    (to) => {
      all.push(to);
    },
    { settleMs: 50, onError: (error) => t.fail(String(error)) },
  );
  t.teardown(() => watching.close());
  await watching.ready;
  return {
    all,
    async next() {
      await until(`release ${taken + 1} is told`, () => all.length > taken);
      taken += 1;
      return all[taken - 1] ?? '';
    },
  };
}

test("a swap of Kubernetes' ..data is told once, and the next one as well", async (t) => {
  const root = folderOf(t, { '..one/app/x': '', 'app.log': '' });
  symlinkSync('..one', join(root, '..data'));
  symlinkSync('..data/app', join(root, 'current'));
  const { next, all } = await watched(t, join(root, 'current'));
  for (const [name, before] of [
    ['..two', '..one'],
    ['..three', '..two'],
  ] as const) {
    mkdirSync(join(root, name, 'app'), { recursive: true });
    symlinkSync(name, join(root, '..data_tmp'));
    renameSync(join(root, '..data_tmp'), join(root, '..data'));
    rmSync(join(root, before), { recursive: true });
    t.is(await next(), join(root, name, 'app'));
  }
  t.is(all.length, 2);
});

test('a link that is taken away and made anew is told where it leads, and not at all where it leads as before', async (t) => {
  const root = folderOf(t, { 'one/x': '', 'two/x': '' });
  const link = join(root, 'current');
  symlinkSync('one', link);
  const { next, all } = await watched(t, link);
  rmSync(link);
  symlinkSync('./one', link);
  rmSync(link);
  symlinkSync('two', link);
  t.is(await next(), join(root, 'two'));
  t.is(all.length, 1);
});
