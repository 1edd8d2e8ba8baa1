import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import test from 'ava';
import { readLines } from '../../supervisor/output.js';

async function linesOf(...chunks: readonly (string | Buffer)[]): Promise<string[]> {
  const stream = new PassThrough();
  const lines: string[] = [];
  readLines(stream, (line) => lines.push(line));
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
  await once(stream, 'close');
  return lines;
}

test('lines are whole, however they arrive', async (t) => {
  t.deepEqual(await linesOf('a\nb\n'), ['a', 'b']);
  t.deepEqual(await linesOf('a', 'b\nc', '\n', '\n', 'd\n'), ['ab', 'c', '', 'd']);
});

test('the last line needs no newline', async (t) => {
  t.deepEqual(await linesOf('a\nlast ', 'words'), ['a', 'last words']);
  t.deepEqual(await linesOf(), []);
});

test('the ends of Windows lines are ends of lines', async (t) => {
  t.deepEqual(await linesOf('a\r\nb\r', '\nc\rd\n'), ['a', 'b', 'c\rd']);
});

test('a character that arrives in pieces is whole', async (t) => {
  const bytes = [...Buffer.from('€ü😀\n€')].map((byte) => Buffer.from([byte]));
  t.deepEqual(await linesOf(...bytes), ['€ü😀', '€']);
});

const cut = /… \(line cut at 65536 bytes\)$/;

test('a line of up to 64 KiB is whole; a longer one is cut and says so, once', async (t) => {
  const long = 'x'.repeat(65_536);
  t.deepEqual(await linesOf(`${long}\n`, 'a\n'), [long, 'a']);
  for (const chunks of [[`${long}y\na\n`], [long, 'y\na\n'], [long, 'y', long, '\na\n'], [`${long}y`, '\na\n']]) {
    const lines = await linesOf(...chunks);
    t.is(lines.length, 2);
    t.regex(lines[0] ?? '', cut);
    t.is(lines[0]?.replace(cut, ''), long);
    t.is(lines[1], 'a');
  }
});

test('a line is not cut within a character', async (t) => {
  for (const shift of ['', 'x', 'xx', 'xxx']) {
    const [line = ''] = await linesOf(`${shift}${'😀'.repeat(20_000)}\n`);
    t.false(line.includes('\ufffd'));
    t.true(Buffer.byteLength(line.replace(cut, '')) > 65_532);
  }
});

test('bytes that are no text are shown as far as they go', async (t) => {
  t.deepEqual(await linesOf(Buffer.from([0x61, 0xff, 0x0a])), ['a\ufffd']);
  const [line = ''] = await linesOf(Buffer.alloc(70_000, 0x80));
  t.regex(line, cut);
});

test('10 MB without a newline are one line that was cut, and no more than that is kept', async (t) => {
  const chunk = Buffer.alloc(1024, 'x');
  const lines = await linesOf(...Array.from({ length: 10_240 }, () => chunk), '\nafter\n');
  t.is(lines.length, 2);
  t.true((lines[0] ?? '').length < 66_000);
  t.is(lines[1], 'after');
});

test('time grows with what is printed, not with its square', async (t) => {
  const start = performance.now();
  const byte = Buffer.from('x');
  await linesOf(...Array.from({ length: 60_000 }, () => byte));
  await linesOf(...Array.from({ length: 100 }, () => 'x\n'.repeat(5000)));
  t.true(performance.now() - start < 5000);
});

test('a pipe that breaks ends the reading, with what was said before', async (t) => {
  const stream = new PassThrough();
  const lines: string[] = [];
  readLines(stream, (line) => lines.push(line));
  stream.write('last words');
  await new Promise(setImmediate);
  stream.destroy(new Error('EIO'));
  await new Promise(setImmediate);
  t.deepEqual(lines, ['last words']);
});
