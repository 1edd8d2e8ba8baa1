import { execFileSync } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { OperatorError } from '../../../config/exit-code.js';
import { Backlog } from '../../../supervisor/logs/backlog.js';
import { LogFile, type Rotation } from '../../../supervisor/logs/file.js';

function folder(t: ExecutionContext): string {
  const path = mkdtempSync(join(tmpdir(), 'cordon-log-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

interface Writer {
  readonly file: LogFile;
  readonly backlog: Backlog;
  readonly complaints: (string | undefined)[];
  readonly dropped: number[];
  readonly events: EventEmitter;
  readonly line: () => void;
}

async function writer(t: ExecutionContext, path: string, rotation?: Rotation, pad = ''): Promise<Writer> {
  const complaints: (string | undefined)[] = [];
  const dropped: number[] = [];
  const events = new EventEmitter();
  const complain = (why: string | undefined): void => {
    complaints.push(why);
    events.emit(why === undefined ? 'well' : 'trouble');
  };
  const file = new LogFile(path, complain, rotation);
  await file.open();
  const backlog = new Backlog(file, {
    hold: () => {},
    stalled: () => void events.emit('stalled'),
    dropped: ({ lines }) => {
      dropped.push(lines);
      events.emit('dropped');
    },
  });
  t.teardown(() => file.end());
  let lines = 0;
  return {
    file,
    backlog,
    complaints,
    dropped,
    events,
    line: () => backlog.add(`line ${++lines}${pad}\n`, 1, false),
  };
}

/** The numbers of all lines, the oldest file first. */
const numbers = (...paths: string[]): number[] =>
  paths.flatMap((path) =>
    readFileSync(path, 'utf8')
      .split('\n')
      .slice(0, -1)
      .map((line) => Number(/^line (\d+)/.exec(line)?.[1])),
  );
const upTo = (last: number): number[] => Array.from({ length: last }, (_, i) => i + 1);

test('a log file is made with the folders above it, for its owner and group alone, and appended to', async (t) => {
  const path = join(folder(t), 'var', 'log', 'app.log');
  for (let round = 0; round < 2; round++) {
    const { backlog, line } = await writer(t, path);
    line();
    await backlog.end();
  }
  t.is(readFileSync(path, 'utf8'), 'line 1\nline 1\n');
  t.is(statSync(path).mode & 0o777 & ~0o640, 0);
  t.is(statSync(join(path, '..')).mode & 0o777 & ~0o750, 0);
});

test('a place that cannot be written to is named, with the reason', async (t) => {
  const path = folder(t);
  writeFileSync(join(path, 'file'), '');
  execFileSync('mkfifo', [join(path, 'pipe')]);
  for (const [name, why] of [
    ['.', /it is a folder \(EISDIR\)/],
    ['pipe', /it is no file/],
    ['file/app.log', /EEXIST|ENOTDIR/],
  ] as const) {
    const file = new LogFile(join(path, name), () => {});
    const error = await t.throwsAsync(file.open(), { instanceOf: OperatorError });
    t.regex(error?.message ?? '', why);
    t.is(error?.exitCode, 73);
  }
});

test('100 rotations by somebody else amid a stream of lines cost no line and break none', async (t) => {
  const path = join(folder(t), 'app.log');
  const { file, backlog, line, dropped, events } = await writer(t, path, undefined, 'x'.repeat(200));
  let printed = 0;
  const stream = setInterval(() => {
    for (let i = 0; i < 50; i++, printed++) line();
    events.emit('printed');
  }, 1);
  for (let i = 1; i <= 100; i++) {
    await once(events, 'printed');
    renameSync(path, `${path}.${i}`);
    t.is(await file.reopen(), undefined);
  }
  clearInterval(stream);
  await backlog.end();
  t.deepEqual(numbers(...Array.from({ length: 100 }, (_, i) => `${path}.${i + 1}`), path), upTo(printed));
  t.true(printed > 1000);
  t.deepEqual(dropped, []);
});

test('a file that cannot be begun anew is written on', async (t) => {
  const parent = folder(t);
  const path = join(parent, 'app.log');
  const { file, backlog, line } = await writer(t, path);
  line();
  renameSync(path, `${path}.1`);
  mkdirSync(path);
  t.regex((await file.reopen()) ?? '', /it is a folder/);
  line();
  await backlog.end();
  t.deepEqual(numbers(`${path}.1`), [1, 2]);
});

test('a file does not grow beyond its size; the latest old ones stay, and no line between them is lost', async (t) => {
  const path = join(folder(t), 'app.log');
  const { backlog, line } = await writer(t, path, { size: 1_000_000, keep: 3 }, 'x'.repeat(1000));
  for (let i = 0; i < 6000; i++) {
    line();
    if (i % 20 === 0) await new Promise(setImmediate);
  }
  await backlog.end();
  t.deepEqual(readdirSync(join(path, '..')).toSorted(), ['app.log', 'app.log.1', 'app.log.2', 'app.log.3']);
  const kept = numbers(`${path}.3`, `${path}.2`, `${path}.1`, path);
  t.deepEqual(kept, upTo(6000).slice(-kept.length));
  t.true(kept.length > 2000);
  for (const name of readdirSync(join(path, '..'))) t.true(statSync(join(path, '..', name)).size <= 1_000_000, name);
});

const MB = 1024 * 1024;

/** A file system of so many bytes; undefined where this user may not mount one. */
function smallDisk(t: ExecutionContext, bytes: number): string | undefined {
  const path = folder(t);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  t.teardown(() => execFileSync('umount', ['-l', path]));
  return path;
}

test('a full disk is said, survived and recovered from: no line is torn, and each is written or counted', async (t) => {
  const disk = smallDisk(t, 16 * MB);
  if (disk === undefined) return t.pass('this user may not mount a small file system: not tested');
  const path = join(disk, 'app.log');
  const { backlog, complaints, dropped, events, line } = await writer(t, path, undefined, 'x'.repeat(10_000));
  writeFileSync(join(disk, 'ballast'), Buffer.alloc(14 * MB));
  const trouble = once(events, 'trouble');
  const stalled = once(events, 'stalled');
  for (let i = 0; i < 1500; i++) line();
  await trouble;
  t.deepEqual(complaints, ['the disk is full (ENOSPC)'], 'once');
  await stalled;
  for (let i = 0; i < 10; i++) line();
  const recovered = once(events, 'dropped');
  rmSync(join(disk, 'ballast'));
  await recovered;
  await backlog.end();
  t.deepEqual(complaints, ['the disk is full (ENOSPC)', undefined]);
  const written = numbers(path);
  t.true(
    written.every((n, i) => n === i + 1),
    'whole lines, in order, up to where they were dropped',
  );
  t.is(written.length + (dropped[0] ?? 0), 1510);
  t.true((dropped[0] ?? 0) > 10);
});
