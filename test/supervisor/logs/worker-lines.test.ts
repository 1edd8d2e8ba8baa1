import test from 'ava';
import { levelOf, momentOf } from '../../../supervisor/logs/fields.js';
import { Stack } from '../../../supervisor/logs/stack.js';
import { WorkerLines } from '../../../supervisor/logs/worker-lines.js';

const seat = { id: 3, slot: 0, generation: 2, pid: 77 };

function told(voice: 'stdout' | 'stderr', ...texts: string[]): Record<string, unknown>[] {
  const lines: Record<string, unknown>[] = [];
  const output = new WorkerLines('shop', (json) => lines.push(JSON.parse(json) as Record<string, unknown>));
  for (const text of texts) output.print(seat, voice, text);
  output.gone(seat);
  return lines;
}

test('text is the msg of a line that says whose it is', (t) => {
  const [line, other] = [...told('stdout', 'he said "hi"\u0007'), ...told('stderr', '')];
  t.regex(String(line?.['time']), /^\d{4}-.*Z$/);
  t.deepEqual(
    { ...line, time: '' },
    {
      level: 'info',
      time: '',
      app: 'shop',
      worker: 3,
      slot: 0,
      pid: 77,
      generation: 2,
      stream: 'stdout',
      msg: 'he said "hi"\u0007',
    },
  );
  t.like(other, { level: 'warn', stream: 'stderr', msg: '' });
});

test("an object of the program's own logger keeps its fields, and gets the worker's", (t) => {
  const own = {
    level: 50,
    time: 1_700_000_000_000,
    pid: 5,
    hostname: 'h',
    app: 'billing',
    stream: 's',
    msg: 'no "money"',
  };
  t.deepEqual(told('stdout', JSON.stringify(own)), [{ ...own, worker: 3, slot: 0, generation: 2 }]);
  t.like(told('stderr', '{}')[0], { level: 'warn', app: 'shop', worker: 3, stream: 'stderr' });
  t.like(told('stdout', '{"a":1}')[0], { level: 'info', a: 1, slot: 0, generation: 2 });
});

test('numbers that JavaScript cannot hold are left as they were written', (t) => {
  const lines: string[] = [];
  const output = new WorkerLines('shop', (json) => lines.push(json));
  output.print(seat, 'stdout', '{"id":12345678901234567890,"level":"info"}');
  output.gone(seat);
  t.true(lines[0]?.startsWith('{"id":12345678901234567890,"level":"info",'));
});

test('what the program calls worker, slot or generation stands under program', (t) => {
  t.like(told('stdout', '{"worker":"me","slot":9,"n":1}')[0], {
    worker: 3,
    slot: 0,
    generation: 2,
    n: 1,
    program: { worker: 'me', slot: 9 },
  });
});

test('what only looks like JSON is text', (t) => {
  for (const text of ['{not json}', '{"a":1} {"b":2}', '[1]', '"a"', '{"a":1', 'null'])
    t.is(told('stdout', text)[0]?.['msg'], text);
});

function entries(...lines: string[]): string[] {
  const heard: string[] = [];
  const stack = new Stack((entry) => heard.push(entry));
  for (const line of lines) stack.add(line);
  stack.settle();
  return heard;
}

const frames = ['    at a (/srv/a.js:1:2)', '    at async b (node:internal/x:3:4)'];

test('an error and its stack stay together', (t) => {
  const whole = ['TypeError: x is not a function', ...frames];
  t.deepEqual(entries('before', ...whole, 'after'), ['before', whole.join('\n'), 'after']);
  t.deepEqual(entries(...whole, ...whole), [whole.join('\n'), whole.join('\n')]);
});

test('so do a message of several lines, properties, causes, and what AggregateErrors hold', (t) => {
  const whole = [
    "Error: Cannot find module './x'",
    'Require stack:',
    '- /srv/a.js',
    ...frames,
    '    at c {',
    "  code: 'MODULE_NOT_FOUND',",
    '  [cause]: RangeError: deep',
    '      at d (/srv/d.js:1:1)',
    '}',
  ];
  t.deepEqual(entries(...whole, 'next'), [whole.join('\n'), 'next']);
  t.deepEqual(entries('a text of mine', ...frames), [['a text of mine', ...frames].join('\n')]);
});

test('lines without a stack are lines by themselves', (t) => {
  const lines = ['Error: only a sentence', 'second', '  indented', '    look at me', '}', '', 'last'];
  t.deepEqual(entries(...lines), lines);
});

test('a stack without an end is told in parts', (t) => {
  const endless = Array.from({ length: 1000 }, (_, i) => `    at f${i} (/srv/a.js:1:1)`);
  const heard = entries('Error: x', ...endless);
  t.true(heard.length > 1 && heard.every((entry) => entry.length <= 65_536 && entry.split('\n').length <= 200));
  t.is(heard.join('\n'), ['Error: x', ...endless].join('\n'));
});

test('levels and times are understood as loggers write them', (t) => {
  t.deepEqual(
    [10, 20, 30, 35, 40, 50, 60, 999, 'INFO', 'warning', 'crit', 'debug', 'loud', undefined, null].map(levelOf),
    [
      'trace',
      'debug',
      'info',
      'info',
      'warn',
      'error',
      'fatal',
      'fatal',
      'info',
      'warn',
      'fatal',
      'debug',
      'info',
      'info',
      'info',
    ],
  );
  t.is(momentOf('2026-01-01T00:00:00Z'), 1_767_225_600_000);
  t.is(momentOf(1_767_225_600), 1_767_225_600_000);
  t.is(momentOf(1_767_225_600_000), 1_767_225_600_000);
  t.true(Number.isNaN(momentOf('noon')) && Number.isNaN(momentOf(undefined)));
});
