import test from 'ava';
import { Book } from '../../../supervisor/incidents/book.js';
import type { ErrorReport } from '../../../worker/protocol.js';

const report = (name: string, message = 'x'): ErrorReport => ({ name, message, causes: [], origin: '' });
const at = (ms: number): Date => new Date(ms);

test('the first occurrence is told, and each tenfold', (t) => {
  const book = new Book('/srv');
  const told: number[] = [];
  for (let count = 1; count <= 1500; count++)
    if (book.record({ report: report('E'), count: 1 }, at(count))) told.push(count);
  t.deepEqual(told, [1, 10, 100, 1000]);
});

test('occurrences that are told together may pass a milestone between them, and pass it once', (t) => {
  const book = new Book('/srv');
  const record = (count: number): number | undefined =>
    book.record({ report: report('E'), count }, at(0))?.incident.count;
  t.is(record(5), 5);
  t.is(record(4), undefined);
  t.is(record(2000), 2009);
  t.is(record(7000), undefined);
});

test('an incident keeps its first and its last occurrence', (t) => {
  const book = new Book('/srv');
  book.record({ report: report('E', 'user 1'), count: 1 }, at(1));
  book.record({ report: report('E', 'user 2'), count: 3 }, at(2));
  t.is(book.incidents.length, 1);
  t.like(book.incidents[0], {
    count: 4,
    first: { message: 'user 1' },
    last: { message: 'user 2' },
    firstSeen: at(1),
    lastSeen: at(2),
  });
});

const name = (index: number): string => `E${index}`;

test('a thousand incidents are remembered; the one not met for longest is forgotten first', (t) => {
  const book = new Book('/srv');
  for (let index = 0; index < 1000; index++) book.record({ report: report(name(index)), count: 1 }, at(0));
  book.record({ report: report(name(0)), count: 1 }, at(1));
  book.record({ report: report(name(1000)), count: 1 }, at(2));
  t.is(book.incidents.length, 1000);
  t.is(book.incidents.find(({ first }) => first.name === name(0))?.count, 2);
  t.is(
    book.incidents.find(({ first }) => first.name === name(1)),
    undefined,
  );
});
