import { stripVTControlCharacters } from 'node:util';
import test from 'ava';
import { readable } from '../../../supervisor/readable.js';

const shown = (line: object): string => stripVTControlCharacters(readable(line as Parameters<typeof readable>[0]));
const at = { level: 'info', time: '2026-01-01T00:00:00Z', worker: 3, stream: 'stdout' };

test('lines of other loggers are shown by their sentence, or by what else they have', (t) => {
  t.regex(shown({ ...at, level: 50, time: 1_767_225_600_000, msg: 'pino' }), /^\d\d:\d\d:\d\d #3 +pino$/);
  t.regex(shown({ ...at, message: 'winston' }), / #3 +winston$/);
  t.regex(shown({ ...at, time: 'noon', path: '/a', status: 200 }), /^--:--:-- #3 +\{"path":"\/a","status":200\}$/);
  t.regex(shown({ ...at, msg: { a: 1 } }), / #3 +\{"a":1\}$/);
});

test('colours of a program stay; nothing else of what it prints steers a terminal', (t) => {
  const line = readable({ ...at, msg: '\u001b[31mred\u001b[0m \u001b[2J\u001b]0;title\u0007\u009b' });
  t.true(line.endsWith('\u001b[31mred\u001b[0m \ufffd[2J\ufffd]0;title\ufffd\ufffd'), JSON.stringify(line));
});
