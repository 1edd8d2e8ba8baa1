import test from 'ava';
import { Book } from '../../../supervisor/incidents/book.js';
import { type Encounter, type Incident, stateOf, toStored } from '../../../supervisor/incidents/incident.js';
import { hours, Minutes } from '../../../supervisor/incidents/minutes.js';
import { detailOf, listed, summaryOf } from '../../../supervisor/incidents/view.js';
import { encounter, report } from '../../support/errors.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const only = (book: Book): Incident => {
  const [incident] = book.incidents;
  if (!incident || book.size !== 1) throw new Error(`${book.size} incidents`);
  return incident;
};
const bookOf = (...encounters: readonly Partial<Encounter>[]): Book => {
  const book = new Book('/srv');
  for (const one of encounters) book.record(encounter(one));
  return book;
};

test('the first occurrence is told, and each tenfold', (t) => {
  const book = new Book('/srv');
  const told: number[] = [];
  for (let at = 1; at <= 1500; at++) if (book.record(encounter({ at })).milestone) told.push(at);
  t.deepEqual(told, [1, 10, 100, 1000]);
});

test('occurrences that are told together may pass a milestone between them, and pass it once', (t) => {
  const book = new Book('/srv');
  const record = (count: number): boolean => book.record(encounter({ count })).milestone;
  t.deepEqual([5, 4, 2000, 7000].map(record), [true, false, true, false]);
  t.is(only(book).count, 9009);
});

test('an incident that a former supervisor has met is told again, once, and its count goes on', (t) => {
  const book = new Book('/srv');
  book.restore(toStored(only(bookOf({ count: 37 })), 0));
  const [one, other] = [1, 2].map((at) => book.record(encounter({ at })));
  t.like(one, { first: true, milestone: true, news: undefined });
  t.like(other, { first: false, milestone: false });
  t.is(only(book).count, 39);
});

test('an incident keeps its first occurrence and the nineteen last ones, with their requests', (t) => {
  const book = new Book('/srv');
  for (let at = 0; at < 100; at++) {
    const request = { method: 'GET', path: `/${at}`, id: `${at}`, headers: {}, durationMs: 1 };
    book.record(encounter({ at, report: { ...report('E', `user ${at}`), request } }));
  }
  const { first, recent, count } = detailOf(only(book), 100);
  t.is(count, 100);
  t.is(first.request?.path, '/0');
  t.deepEqual(
    recent.map(({ request }) => request?.path),
    Array.from({ length: 19 }, (_, index) => `/${99 - index}`),
  );
  t.is(recent[0]?.message, 'user 99');
});

test('it counts by release and by worker, and says when', (t) => {
  const release = { generation: 2, since: 5 };
  const book = bookOf(
    { at: 10, worker: 1, count: 2 },
    { at: 20, worker: 2, pid: 7, release },
    { at: 30, worker: 1, release, count: 3 },
  );
  t.like(detailOf(only(book), 30), {
    firstSeen: new Date(10).toISOString(),
    lastSeen: new Date(30).toISOString(),
    releases: [
      { generation: 1, since: new Date(0).toISOString(), count: 2 },
      { generation: 2, since: new Date(5).toISOString(), count: 4 },
    ],
    workers: [
      { worker: 2, pid: 7, slot: 0, count: 1 },
      { worker: 1, pid: 100, slot: 0, count: 5 },
    ],
  });
});

const because = (message: string): Encounter['report'] => ({
  ...report('E'),
  causes: [{ name: 'C', message, of: -1, as: 'cause' }],
});

test('causes are kept, once where they are the same each time', (t) => {
  const same = only(bookOf({ report: because('a') }, { report: because('a') }));
  t.is(same.recent[0]?.causes, undefined);
  t.is(detailOf(same, 1).causes[0]?.message, 'a');
  const other = only(bookOf({ report: because('a') }, { report: because('b') }));
  t.is(detailOf(other, 1).causes[0]?.message, 'b');
});

// States

test('an incident is new for a day, then known', (t) => {
  const incident = only(bookOf({ at: 0 }));
  t.is(stateOf(incident, DAY - 1), 'new');
  t.is(stateOf(incident, DAY), 'known');
});

test('what is resolved stays so until it is met again, and has returned until it is resolved again', (t) => {
  const book = bookOf({ at: 0 });
  const { id } = only(book);
  t.truthy(book.resolve(id, 1));
  t.is(book.resolve(id, 2), undefined, 'it is resolved already');
  t.is(stateOf(only(book), 9 * DAY), 'resolved');
  t.like(book.record(encounter({ at: 3 })), { milestone: true, news: 'returned' });
  t.is(book.record(encounter({ at: 4 })).news, undefined, 'told once');
  t.is(stateOf(only(book), 9 * DAY), 'returned');
  t.truthy(book.resolve(id, 5));
  t.is(stateOf(only(book), 6), 'resolved');
  t.is(book.resolve('nothing', 1), undefined);
});

test('only what was never met is new', (t) => {
  const book = new Book('/srv');
  t.deepEqual(
    [1, 2].map((at) => book.record(encounter({ at })).news),
    ['new', undefined],
  );
});

// The last day

test('the minutes of the last day are counted, those before are not', (t) => {
  const minutes = new Minutes();
  minutes.add(0, 5);
  minutes.add(DAY, 2);
  minutes.add(DAY + MINUTE, 1);
  minutes.add(DAY + MINUTE, 1);
  minutes.add(DAY - MINUTE, 7);
  minutes.add(0, 9);
  t.deepEqual(minutes.since(DAY + MINUTE), [
    [1439, 7],
    [1440, 2],
    [1441, 2],
  ]);
  t.deepEqual(new Minutes(minutes.since(DAY + MINUTE)).since(DAY + MINUTE), minutes.since(DAY + MINUTE));
  t.deepEqual(minutes.since(3 * DAY), []);
  minutes.add(10 * DAY, 1);
  t.deepEqual(minutes.since(10 * DAY), [[14_400, 1]]);
});

test('the trend has an hour for each of the last twenty-four', (t) => {
  const trend = hours(
    [
      [0, 1],
      [23 * 60, 3],
      [24 * 60 - 1, 4],
    ],
    DAY - MINUTE,
  );
  t.is(trend.length, 24);
  t.is(trend[23], 7);
  t.is(trend[0], 1);
  t.is(summaryOf(only(bookOf({ at: 3 * HOUR, count: 4 })), 4 * HOUR).trend.at(-2), 4);
});

test('the one met last is listed first; by state, and since a moment', (t) => {
  const book = bookOf(
    { report: report('A'), at: 5 * HOUR },
    { report: report('B'), at: 2 * HOUR },
    { report: report('C'), at: 3 * HOUR },
  );
  const [{ id = '' } = {}] = book.incidents;
  book.resolve(id, 6 * HOUR);
  const names = (since: number, state?: 'new' | 'resolved'): string[] =>
    listed(book.incidents, since, state, 7 * HOUR).map(({ name }) => name);
  t.deepEqual(names(0), ['A', 'C', 'B']);
  t.deepEqual(names(3 * HOUR), ['A', 'C']);
  t.deepEqual(names(0, 'new'), ['C', 'B']);
  t.deepEqual(names(0, 'resolved'), ['A']);
});

// Bounds

test('a thousand incidents are remembered; the one not met for longest is forgotten first, and counted', (t) => {
  const book = new Book('/srv');
  for (let index = 0; index < 1000; index++) book.record(encounter({ report: report(`E${index}`) }));
  book.record(encounter({ at: 1, report: report('E0') }));
  t.is(book.forgotten, 0);
  book.record(encounter({ at: 2, report: report('E1000') }));
  t.is(book.size, 1000);
  t.is(book.forgotten, 1);
  const named = new Map([...book.incidents].map((one) => [one.name, one.count]));
  t.is(named.get('E0'), 2);
  t.false(named.has('E1'));
});

test('huge errors are cut, and however many come, the book stays within its bounds', (t) => {
  const book = new Book('/srv');
  const huge = 'x'.repeat(16_000);
  for (let index = 0; index < 3000; index++) {
    const causes = Array.from({ length: 8 }, () => ({
      name: 'C',
      message: huge,
      stack: huge,
      of: -1,
      as: 'errors' as const,
    }));
    book.record(
      encounter({ report: { ...report(`E${index}`, huge), stack: `${index}${huge}`, causes, context: huge } }),
    );
  }
  const bytes = [...book.incidents].reduce((sum, one) => sum + JSON.stringify(toStored(one, 0)).length, 0);
  t.true(bytes < 40 * 1024 * 1024, `${bytes}`);
  t.true(book.size > 100);
  t.is(book.size + book.forgotten, 3000);
});

test('an incident that was not met for as long as they are kept is forgotten', (t) => {
  const book = bookOf({ at: 10, report: report('Old') }, { at: 20, report: report('Young') });
  t.true(book.forgetBefore(15));
  t.is(only(book).name, 'Young');
  t.false(book.forgetBefore(15));
  t.is(book.forgotten, 0, 'nobody has pushed it out');
});

test('what was met before an older book could be read is added to what that says', (t) => {
  const newer = bookOf({ at: 20, count: 2, report: report('A', 'a 2') }, { at: 21, report: report('B') });
  const older = bookOf({ at: 1, count: 5, report: report('A', 'a 1') }, { at: 2, report: report('C') });
  const [a] = older.incidents;
  older.resolve(a?.id ?? '', 3);
  newer.precededBy(older);
  const incidents = [...newer.incidents].map((one) => detailOf(one, 30));
  t.deepEqual(
    incidents.map(({ name, count, state }) => `${name} ${count} ${state}`),
    ['C 1 new', 'A 7 returned', 'B 1 new'],
  );
  t.like(incidents[1], {
    first: { message: 'a 1' },
    recent: [{ message: 'a 2' }],
    lastSeen: new Date(20).toISOString(),
  });
});
