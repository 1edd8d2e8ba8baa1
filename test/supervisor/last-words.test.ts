import test from 'ava';
import { gist, LastWords, likeness, Obituaries, shortened } from '../../supervisor/last-words.js';

const hold = (): { words: LastWords; printed: string[] } => {
  const printed: string[] = [];
  return { printed, words: new LastWords((line) => printed.push(line)) };
};

test('what is said while booting is held back, and told in order when it is released', (t) => {
  const { words, printed } = hold();
  words.say('a');
  words.say('b');
  t.deepEqual(printed, []);
  t.deepEqual(words.lines, ['a', 'b']);
  words.release();
  words.say('c');
  words.release();
  t.deepEqual(printed, ['a', 'b', 'c']);
  t.deepEqual(words.lines, []);
});

test('of a program that talks without end the first lines are kept and the last, in which it says what it died of', (t) => {
  const { words, printed } = hold();
  for (let line = 1; line <= 10_000; line++) words.say(`line ${line}`);
  words.say('Error: the end');
  t.is(words.lines.length, 200);
  t.is(gist(words.lines), 'Error: the end');
  words.release();
  t.is(printed.length, 201);
  t.is(printed[99], 'line 100');
  t.is(printed[100], '(9801 more lines were dropped here)');
  t.is(printed[200], 'Error: the end');
});

test('the gist is the last error, else the last thing said', (t) => {
  t.is(
    gist(['Error: tried once', 'TypeError: x is not a function', '    at a', '', 'Node.js v24']),
    'TypeError: x is not a function',
  );
  t.is(gist(['  Error: indented', 'bye', ' ']), 'bye');
  t.is(gist(['Uncaught MyException: x', 'Node.js v24']), 'Uncaught MyException: x');
  t.is(gist(['', ' ']), undefined);
});

test('deaths that differ in numbers only are alike', (t) => {
  t.is(likeness(['pid 17 at 0xaf, port 80']), likeness(['pid 4 at 0x0, port 8080']));
  t.not(likeness(['a']), likeness(['b']));
});

test('the same death is told once, and counted after that', (t) => {
  const obituaries = new Obituaries();
  t.is(obituaries.record(1, ['Error: port 1']), undefined);
  t.like(obituaries.record(2, ['Error: port 2']), { first: 1, count: 2 });
  t.like(obituaries.record(3, ['Error: port 3']), { first: 1, count: 3 });
  t.is(obituaries.record(4, ['Error: else']), undefined);
});

const words = (index: number): string[] => ['x'.repeat(index)];

test('a hundred deaths are remembered', (t) => {
  const obituaries = new Obituaries();
  for (let index = 0; index <= 100; index++) obituaries.record(index, words(index));
  t.like(obituaries.record(200, words(1)), { first: 1 });
  t.is(obituaries.record(200, words(0)), undefined);
});

test('of the dead, long lines are kept in part', (t) => {
  t.deepEqual(shortened(['short', 'x'.repeat(5000)]), ['short', `${'x'.repeat(1000)}…`]);
});
