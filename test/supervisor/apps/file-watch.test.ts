// The configuration is read once more when its watcher is there.
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { FileWatch, type Question } from '../../../supervisor/apps/file-watch.js';

test('what was written before anybody watched is not missed: the file is read again once somebody does', async (t) => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cordon-')));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'cordon.config.json');
  writeFileSync(file, 'what was read at the start');
  const question = await new Promise<Question>((resolve, reject) => {
    const watch = new FileWatch(file, {
      changed: async (asked) => resolve(asked),
      blind: (why) => reject(new Error(why)),
    });
    t.teardown(() => watch.close());
    watch.follow([{ control: { watchConfig: true } as never }]);
    writeFileSync(file, 'what was written meanwhile');
  });
  question.begin();
  t.true(await question.isCurrent());
});
