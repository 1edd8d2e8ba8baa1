import test from 'ava';
import { Counting } from '../../worker/counting.js';

const over = { method: 'GET', status: 200, route: undefined, durationMs: 1 };

test('requests are counted by method and class of status, and told by how long they took', (t) => {
  const counting = new Counting();
  counting.add(over);
  counting.add({ ...over, status: 204, durationMs: 5 });
  counting.add({ ...over, method: 'POST', status: 503, durationMs: 5.1 });
  counting.add({ ...over, status: undefined, durationMs: 99_999 });
  const { requests, durations } = counting.counts;
  t.deepEqual(
    requests.map(({ method, status, count }) => `${method} ${status} ${count}`),
    ['GET 2xx 2', 'POST 5xx 1', 'GET none 1'],
  );
  t.deepEqual(durations, [{ counts: [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], sumMs: 1 + 5 + 5.1 + 99_999 }]);
});

test('a connection that was taken over is counted, and its length is no answer\u2019s', (t) => {
  const counting = new Counting();
  counting.add({ ...over, status: 101, durationMs: 3_600_000 });
  t.deepEqual(counting.counts, { requests: [{ method: 'GET', status: '1xx', count: 1 }], durations: [] });
});

test('methods and routes that somebody makes up do not fill the memory', (t) => {
  const counting = new Counting();
  for (let index = 0; index < 10_000; index++) {
    counting.add({ ...over, method: `M${index}` });
    counting.add({ ...over, route: `/${index}/${'x'.repeat(1000)}` });
  }
  const { requests, durations } = counting.counts;
  t.true(requests.length <= 102);
  t.true(durations.length <= 102);
  t.is(requests.find(({ method }) => method === 'OTHER')?.count, 10_000);
  t.true((requests.find(({ route }) => route === 'other')?.count ?? 0) > 9000);
  t.true(requests.every(({ route = '' }) => route.length <= 200));
});
