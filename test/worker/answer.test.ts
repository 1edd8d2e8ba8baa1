import test from 'ava';
import { answerBody, preferred } from '../../worker/answer.js';

const json = 'application/json';
const html = 'text/html';
const text = 'text/plain';

const table: [accept: string | undefined, type: ReturnType<typeof preferred>][] = [
  [undefined, json],
  ['', json],
  ['*/*', json],
  [json, json],
  [html, html],
  [text, text],
  ['TEXT/HTML', html],
  ['text/*', html],
  ['application/*', json],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8', html],
  ['text/plain, text/html', html],
  ['text/plain, text/html;q=0.9', text],
  ['text/html;q=0.5, application/json;q=0.4', html],
  ['*/*, application/json;q=0', html],
  ['text/*, text/html;q=0', text],
  ['text/*;q=0.3, text/html;q=0.7, */*;q=0.5', html],
  ['text/html ; q=0.2 , text/plain;q=0.3', text],
  ['image/png', json],
  ['text/html;q=0', json],
  ['text/html;q=nonsense, text/plain;q=0.1', text],
  ['text/html;level=1', html],
  [',,;;q=,=', json],
];

for (const [accept, type] of table) {
  test(`Accept: ${accept ?? '(none)'} is answered in ${type}`, (t) => {
    t.is(preferred(accept), type);
  });
}

const id = `<script>"&'`;

test('a hostile request id is harmless in each form', (t) => {
  t.deepEqual(JSON.parse(answerBody(500, id, json).body), { error: 'Internal Server Error', requestId: id });
  const { body } = answerBody(500, id, html);
  t.true(body.includes('Request &#60;script&#62;&#34;&#38;&#39;'));
  t.false(body.includes('<script>'));
  t.is(answerBody(503, 'ü', text).body, 'Service Unavailable\nRequest ü\n');
});

test('the length is told in bytes, and nobody keeps the answer', (t) => {
  const { headers, body } = answerBody(503, 'ü', text);
  t.deepEqual(headers, [
    ['content-type', 'text/plain; charset=utf-8'],
    ['content-length', String(Buffer.byteLength(body))],
    ['cache-control', 'no-store'],
    ['x-request-id', 'ü'],
  ]);
});

test('an unheard-of status is its own name', (t) => {
  t.is(answerBody(599, '1', text).body, '599\nRequest 1\n');
});
