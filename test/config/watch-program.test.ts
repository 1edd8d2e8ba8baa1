// The files of a program that changes while it is developed. What must not be told is followed by what must, which is waited for.
import { execFile } from 'node:child_process';
import { appendFileSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { type ProgramFiles, type ProgramWatching, watchProgram } from '../../config/watch-program.js';
import { folderOf } from '../support/config.js';
import { until } from '../support/until.js';

interface Told {
  readonly watching: ProgramWatching;
  /** Every time that something was told, from the root. */
  readonly times: readonly (readonly string[])[];
  readonly next: () => Promise<readonly string[]>;
}

function watched(t: ExecutionContext, program: ProgramFiles): Told {
  const times: string[][] = [];
  let taken = 0;
  const watching = watchProgram(
    program,
    (files) => {
      times.push(files.map((file) => relative(program.root, file)));
    },
    { debounceMs: 50, onError: (error) => t.fail(error.message) },
  );
  t.teardown(() => watching.close());
  return {
    watching,
    times,
    async next() {
      await until(`change ${taken + 1} is told`, () => times.length > taken);
      taken += 1;
      return times[taken - 1] ?? [];
    },
  };
}

const program = {
  'server.js': '1',
  'lib/a.js': '1',
  'lib/b.js': '1',
  'lib/c.js': '1',
  'node_modules/x/index.js': '1',
  '.git/HEAD': '1',
};

test('a save is told once with its file, in place or by a rename', async (t) => {
  const root = folderOf(t, program);
  const { next, times } = watched(t, { root, files: ['server.js', 'lib/a.js'].map((file) => join(root, file)) });
  writeFileSync(join(root, 'lib/a.js'), '2');
  t.deepEqual(await next(), ['lib/a.js']);
  writeFileSync(join(root, 'new.js'), '2');
  renameSync(join(root, 'new.js'), join(root, 'server.js'));
  t.deepEqual(await next(), ['server.js']);
  t.is(times.length, 2);
});

test('a burst is one change', async (t) => {
  const root = folderOf(t, program);
  const { next } = watched(t, { root, paths: ['.'] });
  for (const name of ['c', 'a', 'b', 'a']) writeFileSync(join(root, `lib/${name}.js`), '2');
  t.deepEqual(await next(), ['lib/a.js', 'lib/b.js', 'lib/c.js']);
});

test('a module that the program has not loaded does not count, until it has', async (t) => {
  const root = folderOf(t, program);
  const { next, watching } = watched(t, { root, files: [join(root, 'lib/a.js')] });
  writeFileSync(join(root, 'lib/b.js'), '2');
  writeFileSync(join(root, 'lib/a.js'), '2');
  t.deepEqual(await next(), ['lib/a.js']);
  watching.add([join(root, 'lib/b.js')]);
  writeFileSync(join(root, 'lib/b.js'), '3');
  t.deepEqual(await next(), ['lib/b.js']);
});

const written = (file: string): number => statSync(file).mtimeMs;

test('what was written after it was loaded, and before anybody watched, has changed', async (t) => {
  const root = folderOf(t, program);
  const [before, after, late] = ['lib/a.js', 'lib/b.js', 'lib/c.js'].map((file) => join(root, file)) as [
    string,
    string,
    string,
  ];
  const loaded = new Map([
    [before, written(before) + 1],
    [after, written(after) - 1],
    [late, written(late) - 1],
  ]);
  const { next, times, watching } = watched(t, {
    root,
    files: [before, after],
    loadedAt: (file) => loaded.get(file),
  });
  t.deepEqual(await next(), ['lib/b.js']);
  watching.add([before, after, late]);
  t.deepEqual(await next(), ['lib/c.js']);
  t.is(times.length, 2);
});

test('packages, dot-files, logs and what is named never count', async (t) => {
  const root = folderOf(t, { ...program, 'logs/out.txt': '', 'app.log': '', 'book/incidents.jsonl': '', 'x.js': '' });
  const { next, times } = watched(t, {
    root,
    paths: ['.', 'node_modules'],
    files: [join(root, 'node_modules/x/index.js')],
    ignore: ['book', 'x.js'],
  });
  for (const file of [
    'node_modules/x/index.js',
    '.git/HEAD',
    '.env.swp',
    'logs/out.txt',
    'app.log',
    'app.log.1',
    'lib/a.js~',
    'book/incidents.jsonl',
    'x.js',
  ]) {
    appendFileSync(join(root, file), '2');
  }
  writeFileSync(join(root, 'server.js'), '2');
  t.deepEqual(await next(), ['server.js']);
  t.is(times.length, 1);
});

test('a project inside a dot-directory is a project', async (t) => {
  const root = join(folderOf(t, { '.work/app/server.js': '1' }), '.work/app');
  const { next } = watched(t, { root, files: [join(root, 'server.js')] });
  writeFileSync(join(root, 'server.js'), '2');
  t.deepEqual(await next(), ['server.js']);
});

test('in a folder that was named, new files and new folders count', async (t) => {
  const root = folderOf(t, program);
  const { next } = watched(t, { root, paths: ['lib'] });
  writeFileSync(join(root, 'lib/new.js'), '1');
  t.deepEqual(await next(), ['lib/new.js']);
  mkdirSync(join(root, 'other/deep'), { recursive: true });
  writeFileSync(join(root, 'other/deep/x.js'), '1');
  renameSync(join(root, 'other'), join(root, 'lib/other'));
  t.deepEqual(await next(), ['lib/other/deep/x.js']);
  writeFileSync(join(root, 'lib/other/deep/x.js'), '2');
  t.deepEqual(await next(), ['lib/other/deep/x.js']);
});

test('a folder that is removed and made again is watched again once its modules are told', async (t) => {
  const root = folderOf(t, program);
  const files = [join(root, 'lib/a.js')];
  const { next, watching } = watched(t, { root, files });
  rmSync(join(root, 'lib'), { recursive: true });
  t.deepEqual(await next(), ['lib/a.js']);
  mkdirSync(join(root, 'lib'));
  writeFileSync(join(root, 'lib/a.js'), '2');
  watching.add(files);
  writeFileSync(join(root, 'lib/a.js'), '3');
  t.deepEqual(await next(), ['lib/a.js']);
});

test('5,000 files watched cost less than 30 MB', async (t) => {
  const root = folderOf(t);
  const files = Array.from({ length: 5_000 }, (_, i) => join(root, `folder${i % 100}`, `module${i}.js`));
  for (let i = 0; i < 100; i++) mkdirSync(join(root, `folder${i}`));
  for (const file of files) writeFileSync(file, '');
  const module = fileURLToPath(new URL('../../config/watch-program.js', import.meta.url));
  // In a process of its own, as memory is nobody's in one that runs tests.
  const text = `
    import { watchProgram } from ${JSON.stringify(module)};
    const { root, files } = JSON.parse(process.env.PROGRAM_FILES);
    globalThis.gc();
    const before = process.memoryUsage.rss();
    const watching = watchProgram({ root, files: files.map((file) => root + '/' + file), paths: ['.'] }, () => undefined);
    globalThis.gc();
    console.log(process.memoryUsage.rss() - before);
    watching.close();`;
  const names = files.map((file) => relative(root, file));
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--expose-gc', '--input-type=module', '--eval', text],
    { env: { PROGRAM_FILES: JSON.stringify({ root, files: names }) } },
  );
  const mb = Number(stdout) / 2 ** 20;
  t.log(`${mb.toFixed(1)} MB`);
  t.true(mb < 30, `${mb.toFixed(1)} MB`);
});
