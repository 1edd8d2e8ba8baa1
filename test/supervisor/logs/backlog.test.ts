import { EventEmitter, once } from 'node:events';
import test from 'ava';
import { Backlog, type Gap, type Target } from '../../../supervisor/logs/backlog.js';

const MB = 1024 * 1024;

/** A reader that takes a piece in when it is told to. */
class Reader implements Target {
  text = '';
  #taken: (() => void)[] = [];
  open = true;

  write(piece: Buffer, taken: () => void): void {
    this.text += piece.toString();
    if (this.open) queueMicrotask(taken);
    else this.#taken.push(taken);
  }

  writeLast(rest: Buffer): void {
    this.text += rest.toString();
  }

  end(): void {}

  take(): void {
    for (const taken of this.#taken.splice(0)) taken();
  }
}

function backlogOf(reader: Target): { backlog: Backlog; told: unknown[]; events: EventEmitter } {
  const told: unknown[] = [];
  const events = new EventEmitter();
  const tell = (what: unknown): void => {
    told.push(what);
    events.emit(typeof what === 'string' ? what : 'gap');
  };
  const backlog = new Backlog(reader, {
    hold: (held) => tell(held ? 'hold' : 'go on'),
    stalled: () => tell('stalled'),
    dropped: ({ lines }: Gap) => tell({ lines }),
  });
  return { backlog, told, events };
}

test('a line is written at once; what comes while it is on its way goes out together', async (t) => {
  const reader = new Reader();
  reader.open = false;
  const { backlog } = backlogOf(reader);
  for (const line of ['a\n', 'b\n', 'c\n']) backlog.add(line, 1, false);
  t.is(reader.text, 'a\n');
  reader.take();
  t.is(reader.text, 'a\nb\nc\n');
  backlog.add('d\n', 1, true);
  backlog.flushLast();
  t.is(reader.text, 'a\nb\nc\nd\n');
  reader.take();
  await backlog.end();
});

test('a reader that is slow for a moment holds workers back, and nothing is lost', async (t) => {
  const reader = new Reader();
  reader.open = false;
  const { backlog, told } = backlogOf(reader);
  const line = `${'x'.repeat(1023)}\n`;
  for (let i = 0; i < 9 * 1024; i++) backlog.add(line, 1, false);
  t.deepEqual(told, ['hold']);
  reader.open = true;
  reader.take();
  await backlog.end();
  t.deepEqual(told, ['hold', 'go on']);
  t.is(reader.text.length, 9 * MB);
});

test('a reader that stalls costs lines, counted, and never more memory; those of cordon itself are the last to go', async (t) => {
  const reader = new Reader();
  reader.open = false;
  const { backlog, told, events } = backlogOf(reader);
  const line = `${'x'.repeat(1023)}\n`;
  const stalled = once(events, 'stalled');
  for (let i = 0; i < 40 * 1024; i++) backlog.add(line, 1, false);
  await stalled;
  t.deepEqual(told, ['hold', 'go on', 'stalled']);
  for (let i = 0; i < 1024; i++) backlog.add(line, 1, false);
  reader.open = true;
  reader.take();
  await backlog.end();
  const written = reader.text.length / 1024;
  t.true(written <= 10 * 1024 + 1);
  t.deepEqual(told.at(-1), { lines: 41 * 1024 - written });
  backlog.add('again\n', 1, false);
  t.true(reader.text.endsWith('again\n'), 'from then on all is well');
});

test('the end waits for a reader that reads, and not for one that does not', async (t) => {
  const reader = new Reader();
  reader.open = false;
  const { backlog } = backlogOf(reader);
  backlog.add('never\n', 1, true);
  backlog.add('taken in\n', 1, true);
  const begun = performance.now();
  await backlog.end();
  t.true(performance.now() - begun < 5_000);
});
