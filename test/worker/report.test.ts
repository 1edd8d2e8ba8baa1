import { AsyncLocalStorage } from 'node:async_hooks';
import vm from 'node:vm';
import test from 'ava';
import type { CountedReport, ErrorReport } from '../../worker/protocol.js';
import { Reports, toReport } from '../../worker/report.js';
import { until } from '../support/until.js';

const revoked = (target: object): unknown => {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
};
const throwing = (what: string): never => {
  throw new Error(what);
};
const hostile = new Proxy(
  {},
  { get: () => throwing('get'), has: () => throwing('has'), getPrototypeOf: () => throwing('proto') },
);
const withGetters = Object.defineProperties(
  new Error('kept'),
  Object.fromEntries(
    ['stack', 'name', 'code', 'cause', 'errors', 'fingerprint'].map((key) => [key, { get: () => throwing(key) }]),
  ),
);
const circle = new Error('circle');
circle.cause = new Error('other', { cause: circle });
let deep = new Error('the root');
for (let depth = 0; depth < 50; depth++) deep = new Error(`depth ${depth}`, { cause: deep });

const thrown: Record<string, [unknown, Partial<ErrorReport>]> = {
  null: [null, { name: 'null', message: 'null', causes: [] }],
  undefined: [undefined, { name: 'undefined', message: 'undefined' }],
  'a text': ['text', { name: 'string', message: 'text' }],
  'a number': [42, { name: 'number', message: '42' }],
  'a bigint': [10n, { name: 'bigint', message: '10' }],
  'a symbol': [Symbol('s'), { name: 'symbol', message: 'Symbol(s)' }],
  'a function that does not want to be told': [
    Object.assign(() => {}, { toString: () => throwing('toString') }),
    { name: 'function', message: '(no message)' },
  ],
  'a revoked function': [revoked(() => {}), { name: 'function', message: '(no message)' }],
  'an empty object': [{}, { name: 'object', message: '(no message)', causes: [] }],
  'an object without a prototype': [Object.create(null), { name: 'object', message: '(no message)' }],
  'a proxy whose traps throw': [hostile, { name: 'object', message: '(no message)', causes: [] }],
  'a revoked proxy': [revoked({}), { name: 'object', message: '(no message)', causes: [] }],
  'an error whose getters throw': [withGetters, { name: 'object', message: 'kept', causes: [] }],
  'an error of another realm': [vm.runInNewContext("new TypeError('far')"), { name: 'TypeError', message: 'far' }],
  'a frozen error': [Object.freeze(new RangeError('ice')), { name: 'RangeError', message: 'ice' }],
  'an error without a name': [Object.assign(new Error('x'), { name: '' }), { name: 'object', message: 'x' }],
  'an error with a numeric code': [Object.assign(new Error('x'), { code: 7 }), { code: '7' }],
  'an error with a fingerprint': [Object.assign(new Error('x'), { fingerprint: 'mine' }), { fingerprint: 'mine' }],
  'a revoked list of errors': [Object.assign(new Error('x'), { errors: revoked([]) }), { causes: [] }],
  'errors that are no list': [Object.assign(new Error('x'), { errors: 'many' }), { causes: [] }],
};

for (const [what, [error, expected]] of Object.entries(thrown)) {
  test(`${what} becomes a report`, (t) => {
    const report = toReport(error, 'uncaughtException');
    t.like(report, { ...expected, origin: 'uncaughtException' });
    t.notThrows(() => structuredClone(report));
  });
}

test('causes are told in order, each once, and no more than eight', (t) => {
  t.deepEqual(
    toReport(circle, '').causes.map(({ message }) => message),
    ['other'],
  );
  t.deepEqual(
    toReport(deep, '').causes.map(({ message }) => message),
    [48, 47, 46, 45, 44, 43, 42, 41].map((depth) => `depth ${depth}`),
  );
});

test('the errors of an AggregateError are causes, whatever they are', (t) => {
  const error = new AggregateError([new Error('one'), undefined, hostile, 'two', revoked([])], 'all');
  t.deepEqual(
    toReport(error, '').causes.map(({ name, message }) => `${name}: ${message}`),
    ['Error: one', 'object: (no message)', 'string: two', 'object: (no message)'],
  );
});

test('of each cause it is said whose cause it is, or whose errors it is one of', (t) => {
  const low = new Error('low');
  const both = new AggregateError(
    [Object.assign(new Error('a', { cause: low }), { code: 'E_A' }), new Error('b')],
    'both',
  );
  const error = new Error('top', { cause: both });
  t.deepEqual(
    toReport(error, '').causes.map(({ message, code, of, as }) => [message, code, of, as]),
    [
      ['both', undefined, -1, 'cause'],
      ['a', 'E_A', 0, 'errors'],
      ['b', undefined, 0, 'errors'],
      ['low', undefined, 1, 'cause'],
    ],
  );
});

test('a report is bounded, however much there is to tell', (t) => {
  const huge = 'x'.repeat(10_000_000);
  const family = Array.from({ length: 1000 }, () => new Error(huge));
  const error = Object.assign(new AggregateError(family, huge), { name: huge, code: huge, fingerprint: huge });
  t.true(JSON.stringify(toReport(error, '')).length < 25 * 17_000);
  t.regex(toReport(new Error(huge), '').message, /… \(cut\)$/);
});

test('the request is named, and only where there is one', (t) => {
  const request = { method: 'GET', path: '/', id: '1', headers: {}, durationMs: 1 };
  t.deepEqual(toReport(new Error('x'), '', request).request, request);
  t.false('request' in toReport(new Error('x'), ''));
});

// Frames

const own = new URL('../../worker/', import.meta.url).href;
const stackOf = (...lines: string[]): string | undefined =>
  toReport(Object.assign(new Error('x'), { stack: ['Error: x', ...lines].join('\n') }), '').stack;

test('the frames of cordon itself, and how it called the program, are not in a reported stack', (t) => {
  const program = '    at handler (file:///srv/app.js:3:7)';
  const emit = '    at Server.emit (node:events:519:28)';
  const parser = '    at parserOnIncoming (node:_http_server:1141:12)';
  t.is(
    stackOf(
      program,
      emit,
      '    at Reflect.apply (<anonymous>)',
      '    at AsyncLocalStorage.run (node:internal/async_local_storage/async_context_frame:63:14)',
      `    at HttpRequest.announce (${own}request.js:70:26)`,
      `    at ${own}domain/emitters.js:36:5`,
      parser,
    ),
    ['Error: x', program, emit, parser].join('\n'),
  );
  t.is(stackOf(`    at async ${own}start.js:1:1`), 'Error: x');
  t.is(stackOf(`    at run (${new URL(own).pathname}start.ts:1:1)`), 'Error: x');
});

test('the program\u2019s own frames stay: its AsyncLocalStorage, its folders called worker, its message', (t) => {
  const kept = [
    '    at AsyncLocalStorage.run (node:async_hooks:346:14)',
    '    at handler (file:///srv/worker/app.js:3:7)',
    '    at Reflect.apply (<anonymous>)',
  ];
  t.is(stackOf(...kept), ['Error: x', ...kept].join('\n'));
  const { stack } = new AsyncLocalStorage().run(1, () => new Error('mine'));
  t.is(toReport(Object.assign(new Error('mine'), { stack }), '').stack, stack);
});

// Told together

const report = (message: string): ErrorReport => ({ name: 'Error', message, causes: [], origin: 'uncaughtException' });
const gather = (): { reports: Reports; sent: [CountedReport[], number][] } => {
  const sent: [CountedReport[], number][] = [];
  return { sent, reports: new Reports((errors, dropped) => sent.push([errors, dropped])) };
};

test('the first error is told at once, its likes are counted and follow together', (t) => {
  const { reports, sent } = gather();
  for (let index = 0; index < 1000; index++) reports.add(report('a'));
  reports.add(report('b'));
  t.deepEqual(sent, [[[{ report: report('a'), count: 1 }], 0]]);
  reports.flush();
  t.deepEqual(sent.slice(1), [
    [
      [
        { report: report('a'), count: 999 },
        { report: report('b'), count: 1 },
      ],
      0,
    ],
  ]);
  reports.flush();
  t.is(sent.length, 2, 'nothing is sent where nothing waits');
  reports.add(report('a'));
  t.is(sent.length, 3, 'after that the next is told at once again');
});

test('what waits is told without being asked for', async (t) => {
  const { reports, sent } = gather();
  reports.add(report('a'));
  reports.add(report('a'));
  await until('the second is told', () => sent.length >= 2);
  t.is(sent[1]?.[0][0]?.count, 1);
});

test('errors of very many kinds are counted, not kept', (t) => {
  const { reports, sent } = gather();
  for (let index = 0; index < 1001; index++) reports.add(report(`kind ${'x'.repeat(index)}`));
  reports.flush();
  t.is(sent[1]?.[0].length, 100);
  t.is(sent[1]?.[1], 900);
});

test('numbers and what is quoted do not make an error another one', (t) => {
  const { reports, sent } = gather();
  for (let index = 0; index < 1001; index++) {
    const message = `user ${index} has no "cart ${index}"`;
    reports.add({ ...report(message), stack: `Error: ${message}\n    at f (/a.js:1:1)` });
  }
  reports.flush();
  t.deepEqual(
    sent.map(([[one], dropped]) => [one?.count, dropped]),
    [
      [1, 0],
      [1000, 0],
    ],
  );
});

test('a fingerprint, or the stack, says what is alike', (t) => {
  const { reports, sent } = gather();
  reports.add(report('first'));
  reports.add({ ...report('a 1'), fingerprint: 'a' });
  reports.add({ ...report('a 2'), fingerprint: 'a', stack: 'other' });
  reports.add({ ...report('b'), stack: 'Error: b\n    at f' });
  reports.add({ ...report('b'), stack: 'Error: b\n    at g' });
  reports.add({ ...report('b'), stack: 'Error: b\n    at g' });
  reports.flush();
  t.deepEqual(
    sent[1]?.[0].map(({ count }) => count),
    [2, 1, 2],
  );
});

test('what waits is a megabyte at most; what goes beyond is counted', (t) => {
  const { reports, sent } = gather();
  reports.add(report('first'));
  const long = (index: number): ErrorReport => ({
    ...report('long'),
    fingerprint: String(index),
    stack: 'x'.repeat(16_000),
  });
  for (let index = 0; index < 100; index++) reports.add(long(index));
  reports.flush();
  const [errors = [], dropped = 0] = sent[1] ?? [];
  t.is(errors.length + dropped, 100);
  t.true(errors.length > 60 && JSON.stringify(errors).length < 1.1 * 1024 * 1024, String(errors.length));
  reports.add(long(1));
  reports.add(long(2));
  t.is(sent.length, 3, 'and there is room again');
  reports.flush();
});
