import test from 'ava';
import { Redaction } from '../../worker/redact.js';

const raw = { method: 'GET', path: '/', id: '1', status: undefined, headers: {}, durationMs: 1.6 };
const redaction = new Redaction(['x-secret', 'token']);

test('the values of secret headers are not told, their names are', (t) => {
  const headers = {
    authorization: 'Bearer s3cret',
    cookie: 'sid=s3cret',
    'proxy-authorization': 's3cret',
    'x-secret': 's3cret',
    accept: '*/*',
    ':path': '/',
    'set-cookie': ['a=s3cret', 'b'],
    via: ['a', 'b'],
    nothing: undefined,
  };
  const told = redaction.request({ ...raw, headers });
  t.deepEqual(told, {
    method: 'GET',
    path: '/',
    id: '1',
    durationMs: 2,
    headers: {
      authorization: '[redacted]',
      cookie: '[redacted]',
      'proxy-authorization': '[redacted]',
      'x-secret': '[redacted]',
      accept: '*/*',
      'set-cookie': '[redacted]',
      via: 'a, b',
    },
  });
});

test('what must never be told is not, even where the configuration names nothing', (t) => {
  t.deepEqual(new Redaction([]).request({ ...raw, headers: { authorization: 's', cookie: 's' } }).headers, {
    authorization: '[redacted]',
    cookie: '[redacted]',
  });
});

const paths: [string, string][] = [
  ['/a?b=1', '/a?b=1'],
  ['/a?token=s&b=1', '/a?token=[redacted]&b=1'],
  ['/a?b=1&Token=s#x', '/a?b=1&Token=[redacted]#x'],
  ['/a?to%6ben=s', '/a?to%6ben=[redacted]'],
  ['/a?%zz=1&token=s', '/a?%zz=1&token=[redacted]'],
  ['/token=s', '/token=s'],
  ['/a?token', '/a?token'],
];
for (const [path, told] of paths)
  test(`of ${path} is told ${told}`, (t) => {
    t.is(redaction.name({ method: 'GET', path, id: '1' }).path, told);
    t.is(
      redaction.request({ ...raw, headers: { referer: `https://here${path}` } }).headers['referer'],
      `https://here${told}`,
    );
  });

test('a request is told in bounds, and whatever is in place of its headers', (t) => {
  const headers = Object.fromEntries(Array.from({ length: 1000 }, (_, index) => [`h${index}`, 'x'.repeat(10_000)]));
  const told = redaction.request({ ...raw, path: `/?${'a=b&'.repeat(100_000)}`, headers });
  t.true(JSON.stringify(told).length < 8000);
  t.deepEqual(redaction.request({ ...raw, headers: null as never }).headers, {});
});
