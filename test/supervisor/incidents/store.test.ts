// The book on disk: what was written is read back, whatever happened meanwhile.
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import * as nodeFiles from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Book } from '../../../supervisor/incidents/book.js';
import { type Files, type Loaded, load, Store } from '../../../supervisor/incidents/store.js';
import { encounter, report } from '../../support/errors.js';
import { until } from '../../support/until.js';

/** More than a busy disk takes: what a close leaves unwritten is no matter of these. */
const PATIENCE_MS = 50_000;
const TIMES = { flushMs: 1, retryMs: 1, snapshotMs: 0 };

function folder(t: ExecutionContext): string {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'cordon-book-')));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

interface Kept {
  readonly book: Book;
  readonly store: Store;
  readonly said: string[];
  /** Until it has said so. */
  readonly heard: (what: string) => Promise<void>;
  readonly met: (name: string, count?: number) => void;
}

async function open(dir: string, files?: Files, times = TIMES): Promise<Kept> {
  const book = new Book('/srv');
  const loaded: Loaded = await load(dir, book);
  const said: string[] = [];
  const waiting = new Set<() => void>();
  const say = (what: string): void => {
    said.push(what);
    for (const look of waiting) look();
  };
  const concerns = {
    failed: ({ code = '' }: NodeJS.ErrnoException) => say(code),
    recovered: () => say('recovered'),
  };
  const store = new Store(dir, book, loaded, concerns, { times, ...(files && { files }) });
  return {
    book,
    store,
    said,
    heard: (what) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!said.includes(what)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    met: (name, count = 1) => store.add(book.record(encounter({ at: Date.now(), count, report: report(name) })).change),
  };
}

/** `A 3`, one an incident. */
const counts = (book: Book): string[] => [...book.incidents].map(({ name, count }) => `${name} ${count}`).toSorted();
const readBack = async (dir: string): Promise<string[]> => {
  const book = new Book('/srv');
  await load(dir, book);
  return counts(book);
};

test('what was met and resolved is there again, in a folder that only its owner may read', async (t) => {
  const dir = folder(t);
  const { book, store, met } = await open(dir);
  met('A', 2);
  met('B');
  met('A');
  const [a] = [...book.incidents].filter(({ name }) => name === 'A');
  const change = book.resolve(a?.id ?? '', Date.now());
  if (change) store.add(change);
  await store.close(PATIENCE_MS);
  const again = new Book('/srv');
  await load(dir, again);
  t.deepEqual(counts(again), ['A 3', 'B 1']);
  t.truthy([...again.incidents].find(({ name }) => name === 'A')?.resolvedAt);
  for (const name of readdirSync(dir)) t.is(statSync(join(dir, name)).mode & 0o777, 0o600, name);
});

test('run after run, counts go on, and journals become one snapshot', async (t) => {
  const dir = folder(t);
  for (let run = 1; run <= 5; run++) {
    const { store, met } = await open(dir);
    met('A', 10);
    met(`only in ${run}`);
    await store.close(PATIENCE_MS);
    t.true((await readBack(dir)).includes(`A ${10 * run}`));
    t.true(readdirSync(dir).length <= 3, readdirSync(dir).join());
  }
});

test('a torn tail costs what it held, and nothing else', async (t) => {
  const dir = folder(t);
  const { store, met } = await open(dir);
  met('A');
  met('B');
  met('C');
  await store.close(PATIENCE_MS);
  const journal = join(dir, readdirSync(dir).find((name) => name.startsWith('journal')) ?? '');
  const { length } = readFileSync(journal);
  for (let cut = 1; cut < 60; cut += 7) {
    truncateSync(journal, length - cut);
    t.deepEqual(await readBack(dir), ['A 1', 'B 1'], `${cut} bytes gone`);
  }
  const again = await open(dir);
  again.met('D');
  await again.store.close(PATIENCE_MS);
  t.deepEqual(await readBack(dir), ['A 1', 'B 1', 'D 1']);
});

test('lines that are not ours are left out', async (t) => {
  const dir = folder(t);
  const { store, met } = await open(dir);
  met('A');
  await store.close(PATIENCE_MS);
  const [journal = ''] = readdirSync(dir);
  appendFileSync(join(dir, journal), 'nonsense\nnull\n[]\n{}\n{"n":99,"id":"x","type":"met"}\n\u2028\n');
  writeFileSync(
    join(dir, 'incidents.jsonl'),
    '{"cordon":"incidents","version":1,"n":0}\n{"incident":{"id":1}}\n{"incident":{',
  );
  writeFileSync(join(dir, 'journal-x.jsonl'), 'not a journal');
  t.deepEqual(await readBack(dir), ['A 1']);
});

test('a book that a newer cordon wrote is left alone', async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, 'incidents.jsonl'), '{"cordon":"incidents","version":99,"n":5}\n');
  await t.throwsAsync(readBack(dir), { message: /newer cordon/ });
});

test('nothing is counted twice, wherever a snapshot was interrupted', async (t) => {
  const dir = folder(t);
  // As if the process had died between the new snapshot and the removal of the journals that are in it.
  const keeping: Files = {
    ...nodeFiles,
    rm: async (path, options) => (String(path).includes('journal') ? undefined : nodeFiles.rm(path, options)),
  };
  const one = await open(dir, keeping);
  one.met('A', 3);
  await one.store.close(PATIENCE_MS);
  const other = await open(dir, keeping);
  other.store.renew();
  other.met('A', 4);
  await other.store.close(PATIENCE_MS);
  t.true(readdirSync(dir).some((name) => name.startsWith('journal')));
  t.true(readdirSync(dir).includes('incidents.jsonl'));
  t.deepEqual(await readBack(dir), ['A 7']);
});

test('what is met while a snapshot is written is counted once', async (t) => {
  const dir = folder(t);
  const { book, store, met } = await open(dir);
  for (let index = 0; index < 300; index++) met(`E${index}`);
  for (let round = 0; round < 50; round++) {
    store.renew();
    for (let index = 0; index < 300; index += 7) met(`E${index}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await store.close(PATIENCE_MS);
  t.deepEqual(await readBack(dir), counts(book));
});

// Faults

interface Disk {
  full: boolean;
  /** How much of a write still fits. */
  room: number;
}

/** A disk that can be full: a write then takes a part of what it is given, and fails. */
function onDisk(disk: Disk): Files {
  const limitedOpen = (async (...args: Parameters<typeof nodeFiles.open>) => {
    const handle = await nodeFiles.open(...args);
    const write = handle.write.bind(handle) as (bytes: Buffer, from: number) => Promise<{ bytesWritten: number }>;
    const limited = async (bytes: Buffer, from: number): Promise<{ bytesWritten: number }> => {
      if (!disk.full) return write(bytes, from);
      await write(bytes.subarray(0, from + Math.min(disk.room, bytes.length - from)), from);
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    };
    return Object.assign(handle, { write: limited });
  }) as typeof nodeFiles.open;
  return { ...nodeFiles, open: limitedOpen };
}

for (const room of [0, 10, 200]) {
  test(`a full disk that takes ${room} bytes more is told once, loses nothing that was there, and is recovered from`, async (t) => {
    const dir = folder(t);
    const disk: Disk = { full: false, room };
    const { store, met, said, book } = await open(dir, onDisk(disk));
    met('A', 2);
    await store.close(PATIENCE_MS);
    const next = await open(dir, onDisk(disk));
    disk.full = true;
    next.met('B');
    await next.heard('ENOSPC');
    next.met('A', 5);
    t.true((await readBack(dir)).includes('A 2'), 'what was there is there');
    disk.full = false;
    await next.heard('recovered');
    next.met('C');
    await next.store.close(PATIENCE_MS);
    t.deepEqual(next.said, ['ENOSPC', 'recovered']);
    t.deepEqual(await readBack(dir), ['A 7', 'B 1', 'C 1']);
    t.deepEqual(said, []);
    t.is(book.size, 1);
  });
}

test('a small file system that fills up is survived, and recovered from', async (t) => {
  const dir = folder(t);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=700', 'tmpfs', dir], { stdio: 'ignore' });
  } catch {
    return t.pass('only root may mount; the disks above stand in for it');
  }
  t.teardown(() => execFileSync('umount', ['-l', dir]));
  const { store, met, heard } = await open(dir);
  met('A', 2);
  store.renew();
  const ballast = join(dir, 'ballast');
  await until('the book is on disk', () => readdirSync(dir).includes('incidents.jsonl'), 0);
  t.throws(() => writeFileSync(ballast, Buffer.alloc(1024 * 1024)), { code: 'ENOSPC' });
  for (let index = 0; index < 20; index++) met(`E${index}`);
  await heard('ENOSPC');
  t.true((await readBack(dir)).includes('A 2'));
  rmSync(ballast);
  await heard('recovered');
  await store.close(PATIENCE_MS);
  t.is((await readBack(dir)).length, 21);
});

test('a storm of one error is few lines, and every one of them is counted', async (t) => {
  const dir = folder(t);
  const { store, met } = await open(dir, undefined, { ...TIMES, flushMs: 60_000 });
  for (let index = 0; index < 100_000; index++) met('A');
  await store.close(PATIENCE_MS);
  t.deepEqual(await readBack(dir), ['A 100000']);
  const [journal = ''] = readdirSync(dir);
  t.is(readFileSync(join(dir, journal), 'utf8').trim().split('\n').length, 3);
});

test('a storm of ever new errors is written as a whole', async (t) => {
  const dir = folder(t);
  const { book, store, met } = await open(dir, undefined, { ...TIMES, flushMs: 60_000 });
  for (let index = 0; index < 5000; index++) met(`E${index}`);
  await store.close(PATIENCE_MS);
  t.deepEqual(await readBack(dir), counts(book));
  t.is(book.size, 1000);
});

test('nothing is written through a link, or into a file that is there already', async (t) => {
  const dir = folder(t);
  const elsewhere = folder(t);
  const victim = join(elsewhere, 'victim');
  writeFileSync(victim, 'precious');
  symlinkSync(victim, join(dir, 'incidents.jsonl.draft'));
  symlinkSync(victim, join(dir, 'journal-1.jsonl'));
  mkdirSync(join(dir, 'other'));
  const book = new Book('/srv');
  const store = new Store(dir, book, { n: 0, journals: [] }, { failed() {}, recovered() {} }, { times: TIMES });
  store.add(book.record(encounter({ at: Date.now() })).change);
  await store.close(PATIENCE_MS);
  t.is(readFileSync(victim, 'utf8'), 'precious');
});
