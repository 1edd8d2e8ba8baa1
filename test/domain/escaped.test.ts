import test from 'ava';
import { program } from './program.js';

const escaped = (which: string, ...flags: string[]) => program('escaped', which, flags);
const keepsRejecter = Number.parseInt(process.versions.node, 10) >= 24;

test('an error is brought home from wherever a program can fail', async (t) => {
  const { lines, code } = await escaped('sources');
  t.deepEqual(
    lines.filter((line) => !line.endsWith('heard')),
    [],
  );
  t.is(lines.length, 15);
  t.is(code, 0);
});

const stories: [title: string, which: string, lines: string[], code: number][] = [
  ['what run throws, and nobody catches, is heard', 'thrown out of run', ['d bug'], 0],
  ['a domain without a listener lets an error through to the one around it', 'thrown through two', ['outer bug'], 0],
  ['of two domains around a failure the inner one hears it, alone', 'inner first', ['inner bug'], 0],
  [
    'a handler runs in the enclosing domain, which hears what it throws; then nothing is entered any more',
    'handler throws',
    ['inner true', 'outer handler', 'stack none'],
    0,
  ],
  ['what the last handler throws ends the process, with the code of a failed handler', 'last handler throws', [], 7],
  [
    'what the last handler throws is heard by the process, if it listens',
    'last handler throws to a listener',
    ['process from the handler'],
    0,
  ],
  [
    'an error that no domain wants is the process’s, outside all domains',
    'nobody listens',
    ['process bug uncaughtException null'],
    0,
  ],
  [
    'a rejection that no domain wants is the process’s, with its promise',
    'nobody listens to a rejection',
    ['process rejected true'],
    0,
  ],
  ['an error that nobody wants ends the process as ever', 'nobody at all', [], 1],
  ['the domain in which a domain was made hears what that one does not', 'made in', ['outer bug'], 0],
  [
    'listeners of the process do not hear what a domain has handled',
    'domains before the process',
    ['d rejected', 'd bug'],
    0,
  ],
  [
    'a rejection is heard where it was rejected, or, before Node 24, where the promise was made',
    'rejected elsewhere',
    [keepsRejecter ? 'rejecter late' : 'maker late'],
    0,
  ],
  [
    'an error object that was thrown before, elsewhere, is not blamed on that place',
    'one error for two',
    ['b shared'],
    0,
  ],
  [
    'whatever can be thrown can be heard',
    'primitives',
    ['d 42', 'd text', 'd null', 'd undefined', 'd false', 'd out of run'],
    0,
  ],
  ['errors of a disposed domain are ignored', 'disposed', ['still here'], 0],
  [
    'a thrown error says so, in fields that are not enumerable',
    'thrown fields',
    ['true true true undefined undefined', '[]'],
    0,
  ],
  ['a timer that was added fails into its domain', 'added timer', ['d bug'], 0],
  ['a domain that was entered and never left is the root of what follows', 'root domain', ['root bug'], 0],
  ['queueMicrotask looks and complains as ever', 'invisible microtasks', ['true true true', 'ERR_INVALID_ARG_TYPE'], 0],
  [
    'an uncaughtException that the program emits itself is heard, and ends no stay in a domain',
    'emitted by the program',
    ['d emitted', 'still in both true true'],
    0,
  ],
  ['no listener and no capture callback of ours is there to be seen', 'no listeners of ours', ['0 0', 'false'], 0],
];

for (const [title, which, lines, code] of stories)
  test(title, async (t) => {
    const outcome = await escaped(which);
    t.deepEqual(outcome.lines, lines, outcome.stderr);
    t.is(outcome.code, code);
  });

test('a rejection is heard once, under every mode of Node', async (t) => {
  for (const mode of ['throw', 'strict', 'warn', 'none', 'warn-with-error-code']) {
    const { lines } = await escaped('strict rejections', `--unhandled-rejections=${mode}`);
    t.deepEqual(lines, ['d rejected'], mode);
  }
});

const together: [title: string, which: string, lines: string[]][] = [
  ['a capture callback gets what no domain claims', 'capture set afterwards', ['d inside', 'capture outside']],
  ['a capture callback can be taken away again', 'capture taken away', ['process outside']],
  [
    'a capture callback that was there first cannot be shared, and the error says so until it is gone',
    'capture set before',
    ['ERR_DOMAIN_CALLBACK_NOT_AVAILABLE true', 'd once it is gone'],
  ],
  [
    'domains of node:domain, loaded before, hear their own errors and nobody hears twice',
    'node:domain first',
    ['theirs in theirs', 'ours in ours', 'theirs theirs in ours', 'theirs event in both'],
  ],
  [
    'domains of node:domain, loaded afterwards, hear their own errors and nobody hears twice',
    'node:domain afterwards',
    ['theirs in theirs', 'ours in ours', 'theirs theirs in ours', 'theirs event in both'],
  ],
  ['the storages of the program are as they were, in the handler too', 'storages', ['handler theirs']],
  [
    'a task waits for a task within that is of another copy, and fails it with itself',
    'tasks of two copies',
    ['theirs in ours inner', 'ours in theirs inner', 'both failed true', 'both let go'],
  ],
  [
    'two copies of this package share what domains there are: the innermost hears, once',
    'copies',
    [
      'another true',
      'ours in ours',
      'theirs in theirs',
      'theirs theirs in ours',
      'ours ours in theirs',
      'ours silent in ours',
      'theirs event in theirs',
    ],
  ],
];

for (const [title, which, lines] of together)
  test(title, async (t) => {
    const outcome = await program('together', which);
    t.deepEqual(outcome.lines, lines, outcome.stderr);
    t.is(outcome.code, 0);
  });
