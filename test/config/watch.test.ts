// A configuration file that changes in every way in which files change. Each change is told once; a second one is waited for, so
// that a repetition of the first would be seen.
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { watchConfig } from '../../config/watch.js';
import { wayTo } from '../../config/way.js';
import { folderOf } from '../support/config.js';
import { until } from '../support/until.js';

interface Told {
  /** What the file said each time that a change was told. */
  readonly contents: readonly string[];
  /** Waits until it was told that the file says this. */
  says(text: string): Promise<void>;
  isCurrent(): Promise<boolean>;
}

async function watching(t: ExecutionContext, file: string, settleMs = 60): Promise<Told> {
  const contents: string[] = [];
  const { ready, isCurrent, close } = watchConfig(
    file,
    () => {
      contents.push(readFileSync(file, 'utf8'));
    },
    { settleMs, onError: (error) => t.fail(String(error)) },
  );
  t.teardown(close);
  await ready;
  return {
    contents,
    isCurrent,
    async says(text) {
      await until(
        () => `it is told that the file says ${text}; told was: ${contents.join(', ')}`,
        () => contents.at(-1) === text,
      );
    },
  };
}

/** Writes beside the file, and puts it in its place, as editors do. */
function replace(file: string, text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

function relink(link: string, target: string): void {
  symlinkSync(target, `${link}.new`);
  renameSync(`${link}.new`, link);
}

type Change = (folder: string, text: string, turn: number) => void;

/** How the file comes to say something else. Called for the first time to make it. */
const ways: Record<string, readonly [file: string, change: Change]> = {
  'written in place': ['c.yaml', (folder, text) => writeFileSync(join(folder, 'c.yaml'), text)],
  'replaced by a rename': ['c.yaml', (folder, text) => replace(join(folder, 'c.yaml'), text)],
  'removed and written anew': [
    'c.yaml',
    (folder, text) => {
      rmSync(join(folder, 'c.yaml'), { force: true });
      writeFileSync(join(folder, 'c.yaml'), text);
    },
  ],
  'a link that is switched': [
    'c.yaml',
    (folder, text, turn) => {
      writeFileSync(join(folder, `${turn}.yaml`), text);
      relink(join(folder, 'c.yaml'), `${turn}.yaml`);
    },
  ],
  'a link into another folder': [
    'c.yaml',
    (folder, text, turn) => {
      mkdirSync(join(folder, 'versions', String(turn)), { recursive: true });
      writeFileSync(join(folder, 'versions', String(turn), 'c.yaml'), text);
      relink(join(folder, 'c.yaml'), join(folder, 'versions', String(turn), 'c.yaml'));
    },
  ],
  'a release that is switched': [
    'current/conf/c.yaml',
    (folder, text, turn) => {
      mkdirSync(join(folder, 'releases', String(turn), 'conf'), { recursive: true });
      writeFileSync(join(folder, 'releases', String(turn), 'conf', 'c.yaml'), text);
      relink(join(folder, 'current'), join('releases', String(turn)));
      if (turn > 0) rmSync(join(folder, 'releases', String(turn - 1)), { recursive: true });
    },
  ],
  'the ..data of Kubernetes': [
    'c.yaml',
    (folder, text, turn) => {
      mkdirSync(join(folder, `..${turn}`));
      writeFileSync(join(folder, `..${turn}`, 'c.yaml'), text);
      relink(join(folder, '..data'), `..${turn}`);
      if (turn === 0) symlinkSync('..data/c.yaml', join(folder, 'c.yaml'));
      else rmSync(join(folder, `..${turn - 1}`), { recursive: true });
    },
  ],
};

for (const [title, [name, change]] of Object.entries(ways)) {
  test(`${title}: each change is told once, and as a whole`, async (t) => {
    const folder = folderOf(t);
    change(folder, 'workers: 0\n', 0);
    const told = await watching(t, join(folder, name));
    const texts = ['workers: 1\n', 'workers: 2\n', 'workers: 3\n'];
    for (const [i, text] of texts.entries()) {
      change(folder, text, i + 1);
      await told.says(text);
    }
    t.deepEqual(told.contents, texts);
  });
}

test('fifty edits in a row, in every way: none is told twice, and the last one is what is told last', async (t) => {
  const folder = folderOf(t, { 'c.yaml': '0' });
  const file = join(folder, 'c.yaml');
  const told = await watching(t, file);
  for (let turn = 1; turn <= 50; turn++) {
    if (turn % 3 === 0) writeFileSync(file, String(turn));
    else if (turn % 3 === 1) replace(file, String(turn));
    else {
      writeFileSync(join(folder, `${turn}.yaml`), String(turn));
      relink(file, `${turn}.yaml`);
    }
    // Some are waited for, others come faster than anyone can look.
    if (turn % 10 === 0) await told.says(String(turn));
  }
  await told.says('50');
  t.is(new Set(told.contents).size, told.contents.length);
  t.deepEqual(
    told.contents,
    told.contents.toSorted((a, b) => Number(a) - Number(b)),
  );
});

test('a change that is looked at again while one look is under way is told once', async (t) => {
  const folder = folderOf(t, { 'c.yaml': '0' });
  const file = join(folder, 'c.yaml');
  // A look takes longer than the file must have been quiet, and there is always another one due.
  const told = await watching(t, file, 1);
  const touching = setInterval(() => utimesSync(file, 1, 1), 10);
  t.teardown(() => clearInterval(touching));
  const texts = ['1', '2', '3', '4', '5'];
  for (const text of texts) {
    replace(file, text);
    await told.says(text);
  }
  t.deepEqual(told.contents, texts);
});

test('a file that is still being written is not taken for whole, however long the writer pauses', async (t) => {
  const folder = folderOf(t, { 'c.yaml': 'workers: 1\n', 'other.yaml': 'a' });
  const file = join(folder, 'c.yaml');
  const [told, other] = [await watching(t, file), await watching(t, join(folder, 'other.yaml'))];
  const descriptor = openSync(file, 'w');
  writeSync(descriptor, 'workers: 2\nname:');
  // The pause is as long as two changes of another file, each waited for.
  for (const text of ['b', 'c']) {
    writeFileSync(join(folder, 'other.yaml'), text);
    await other.says(text);
  }
  t.deepEqual(told.contents, []);
  t.false(await told.isCurrent());
  writeSync(descriptor, ' api\n');
  closeSync(descriptor);
  await told.says('workers: 2\nname: api\n');
  t.is(told.contents.length, 1);
  t.true(await told.isCurrent());
});

test('what changes nothing is not told: the same text again, a removal, a neighbour', async (t) => {
  const folder = folderOf(t, { 'c.yaml': 'a' });
  const file = join(folder, 'c.yaml');
  const told = await watching(t, file);
  replace(file, 'a');
  writeFileSync(file, 'a');
  rmSync(file);
  writeFileSync(join(folder, 'c.yaml.swp'), 'b');
  writeFileSync(file, 'a');
  replace(file, 'b');
  await told.says('b');
  t.deepEqual(told.contents, ['b']);
});

test('a log that grows beside the file keeps nobody from seeing a change', async (t) => {
  const folder = folderOf(t, { 'c.yaml': 'a', 'app.log': '' });
  const file = join(folder, 'c.yaml');
  const told = await watching(t, file);
  const growing = setInterval(() => appendFileSync(join(folder, 'app.log'), 'a line\n'), 5);
  t.teardown(() => clearInterval(growing));
  replace(file, 'b');
  await told.says('b');
  t.deepEqual(told.contents, ['b']);
});

test('a change while the watcher starts is seen', async (t) => {
  const folder = folderOf(t, { 'c.yaml': 'a' });
  const file = join(folder, 'c.yaml');
  const before = watching(t, file);
  writeFileSync(file, 'b');
  const told = await before;
  await told.says('b');
  t.deepEqual(told.contents, ['b']);
});

test('once it is closed nothing is told', async (t) => {
  const folder = folderOf(t, { 'c.yaml': 'a' });
  const file = join(folder, 'c.yaml');
  const watcher = watchConfig(file, () => t.fail('told after the end'), { settleMs: 20 });
  await watcher.ready;
  await watcher.close();
  const told = await watching(t, file);
  writeFileSync(file, 'b');
  await told.says('b');
  t.pass();
});

test('the folders that decide are those of the file and of each link on the way', (t) => {
  const folder = folderOf(t, { 'releases/1/conf/c.yaml': 'a' });
  symlinkSync('releases/1', join(folder, 'current'));
  symlinkSync('current/conf/c.yaml', join(folder, 'c.yaml'));
  const { folders, names } = wayTo(join(folder, 'c.yaml'));
  t.deepEqual([...folders], [folder, join(folder, 'releases/1/conf')]);
  t.deepEqual(
    [...names],
    ['c.yaml', 'current', 'releases/1/conf/c.yaml'].map((name) => join(folder, name)),
  );
  const missing = wayTo(join(folder, 'later/conf/c.yaml'));
  t.deepEqual([...missing.folders], [folder]);
  t.true(missing.names.has(join(folder, 'later')));
  symlinkSync('b', join(folder, 'a'));
  symlinkSync('a', join(folder, 'b'));
  t.notThrows(() => wayTo(join(folder, 'a')));
});
