import test from 'ava';
import { Fingerprints, inApp, normalise } from '../../../supervisor/incidents/fingerprint.js';
import type { ErrorReport } from '../../../worker/protocol.js';

const report = (message: string, frames: readonly string[] = [], more: Partial<ErrorReport> = {}): ErrorReport => ({
  name: 'Error',
  message,
  stack: [`Error: ${message}`, ...frames.map((frame) => `    at ${frame}`)].join('\n'),
  causes: [],
  origin: 'uncaughtException',
  ...more,
});
const fingerprint = (of: ErrorReport, root: string): string => new Fingerprints(root).of(of);
const print = (...args: Parameters<typeof report>): string => fingerprint(report(...args), '/srv/app');

const alike: [string, ErrorReport, ErrorReport][] = [
  ['numbers', report('user 17 has no cart'), report('user 4 has no cart')],
  ['uuids', report('no 0b54f1f4-15f6-4d4b-9d0e-0c9c9b0a5d11'), report('no 9f1d2c3b-15f6-4d4b-9d0e-0c9c9b0a5d12')],
  ['long hexadecimal ids', report('no deadbeefdeadbeef'), report('no 0123456789abcdef0')],
  ['addresses', report('at 0x7ffe'), report('at 0x1')],
  ['quoted values', report('no "a"'), report('no "some thing"')],
  ['line numbers', report('x', ['f (/srv/app/a.js:3:7)']), report('x', ['f (/srv/app/a.js:40:1)'])],
  ['the kind of module', report('x', ['f (/srv/app/a.js:3:7)']), report('x', ['f (file:///srv/app/a.js:3:7)'])],
  ['being awaited', report('x', ['f (/srv/app/a.js:3:7)']), report('x', ['async f (/srv/app/a.js:3:7)'])],
  [
    'the request and how it was heard of',
    report('x', [], { request: { method: 'GET', path: '/a', id: '1', headers: {}, durationMs: 1 } }),
    report('x', [], { origin: 'unhandledRejection' }),
  ],
  [
    'frames of dependencies',
    report('x', ['f (/srv/app/a.js:3:7)', 'g (/srv/app/node_modules/pg/a.js:3:7)']),
    report('x', ['emit (node:events:1:1)', 'f (/srv/app/a.js:3:7)']),
  ],
  [
    'the place among promises awaited together',
    report('x', ['async Promise.all (index 0)', 'async f (/srv/app/a.js:3:7)']),
    report('x', ['async Promise.all (index 3)', 'async f (/srv/app/a.js:3:7)']),
  ],
  ['anything, where the program says so', report('x', [], { fingerprint: 'p' }), report('y', [], { fingerprint: 'p' })],
];
for (const [what, one, other] of alike) {
  test(`errors that differ in ${what} are one incident`, (t) => {
    t.is(fingerprint(one, '/srv/app'), fingerprint(other, '/srv/app'));
  });
}

test('errors are told apart by type, code, words, function and file', (t) => {
  const prints = [
    print('x', ['f (/srv/app/a.js:3:7)']),
    print('y', ['f (/srv/app/a.js:3:7)']),
    print('x', ['g (/srv/app/a.js:3:7)']),
    print('x', ['f (/srv/app/b.js:3:7)']),
    print('x', ['f (/srv/app/a.js:3:7)'], { name: 'TypeError' }),
    print('x', ['f (/srv/app/a.js:3:7)'], { code: 'E' }),
    print('x', ['f (/srv/app/a.js:3:7)'], { fingerprint: 'p' }),
  ];
  t.is(new Set(prints).size, prints.length);
  for (const one of prints) t.regex(one, /^[\da-f]{12}$/);
});

const at = (root: string): string => fingerprint(report('x', [`f (file://${root}/a.js:3:7)`]), root);

test('the same release in another directory meets the same incidents', (t) => {
  t.is(at('/srv/1'), at('/srv/2'));
});

const stack = (...frames: string[]): ErrorReport => report('x', frames);

test('the program\u2019s own frames count, those of its top level too; others only where there are none', (t) => {
  t.deepEqual(
    inApp(
      stack(
        'JSON.parse (<anonymous>)',
        'new Thing (/srv/my app/thing.js:1:2)',
        'Object.<anonymous> (/srv/app/a.js:1:1)',
        'file:///srv/app/b.mjs:2:16',
        'Module._compile (node:internal/modules/cjs/loader:1:1)',
      ),
      '/srv/app',
    ),
    ['Thing@/srv/my app/thing.js', 'Object.<anonymous>@a.js', '@b.mjs'],
  );
  t.deepEqual(inApp(stack('connect (node:net:1:1)'), '/srv'), ['connect@node:net']);
  t.deepEqual(inApp({ message: 'x' }, '/srv'), []);
});

test('what a message says is no frame, however much it looks like one', (t) => {
  const message = 'no such user\n    at evil (/etc/shadow.js:1:1)';
  t.deepEqual(inApp(report(message, ['f (/srv/a.js:1:1)']), '/srv'), ['f@a.js']);
});

test('a huge message is looked at from its beginning only', (t) => {
  t.true(normalise('x'.repeat(10_000_000)).length <= 1000);
});

test('a stack that is known is the same incident, whatever the message says, and a hundred more are forgotten in time', (t) => {
  const prints = new Fingerprints('/srv/app');
  const one = (message: string, file = 'a.js'): string => prints.of(report(message, [`f (/srv/app/${file}:3:7)`]));
  const first = one('item 7 is out of stock');
  t.is(one('item 8 is out of stock'), first);
  t.not(one('f'), first);
  for (let index = 0; index < 200; index++) t.not(one('item 7 is out of stock', `b${index}.js`), first);
  t.is(one('item 9 is out of stock'), first);
});
