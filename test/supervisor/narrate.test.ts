import test from 'ava';
import type { Event } from '../../supervisor/event.js';
import { narrateCut, narrateError } from '../../supervisor/narrate.js';
import { booting, serving } from '../support/story.js';

const exit = (id: number, code: number | null, signal: string | null = null): Event => ({
  type: 'exited',
  id,
  code,
  signal,
});
const fault = 'an error that nobody caught';

test('a start', (t) => {
  t.deepEqual(booting(2).ready(1, 2).ready(1).said(), [
    'worker 1 starts in slot 0',
    'worker 2 starts in slot 1',
    'worker 1 is ready (1 of 2)',
    'worker 2 is ready (2 of 2)',
  ]);
});

const dies = (requests: number, connections: number): string | undefined =>
  serving(2)
    .forget()
    .tell({ type: 'exited', id: 1, code: null, signal: 'SIGKILL', had: { requests, connections } })
    .said()[0];

test('what goes with a worker that dies is told with its number', (t) => {
  t.is(dies(6, 7), 'error: worker 1 died (SIGKILL), and with it 6 open requests on 7 connections');
  t.is(dies(0, 1), 'error: worker 1 died (SIGKILL), and with it 1 connection, idle');
  t.is(dies(0, 0), 'error: worker 1 died (SIGKILL)');
});

test('a fault in a fleet of two', (t) => {
  t.deepEqual(serving(2).faulted(1, 1).ready(3).tell(exit(1, 81)).said(), [
    `warn: worker 1 drains (at most 30 s): ${fault}`,
    'worker 3 starts in slot 0',
    'worker 3 is ready (2 of 2)',
    `worker 1 is gone (exit code 81): ${fault}`,
  ]);
});

test('a fault of the only worker', (t) => {
  t.deepEqual(serving(1).faulted(1, 1).ready(2).said(), [
    'warn: worker 1 is faulty and cannot be spared: it serves on until its successor is ready',
    'worker 2 starts in slot 0',
    'worker 2 is ready (1 of 1)',
    `warn: worker 1 drains (at most 30 s): ${fault}`,
  ]);
});

test('a fault while booting', (t) => {
  t.deepEqual(booting(1).faulted(1).forget().ready(1).said(), [
    'worker 1 is ready (1 of 1)',
    'warn: worker 1 is faulty and cannot be spared: it serves on until its successor is ready',
    'worker 2 starts in slot 0',
  ]);
});

test('a worker that leaves by itself, and hangs', (t) => {
  const story = serving(2).tell({ type: 'draining', id: 1, because: 'disconnected' }).ready(3);
  t.deepEqual(
    story
      .wait(32_000)
      .tell(exit(1, null, 'SIGKILL'))
      .said(),
    [
      'worker 1 leaves: its program left the cluster',
      'worker 3 starts in slot 0',
      'worker 3 is ready (2 of 2)',
      'warn: worker 1 is killed: it did not leave in time (its program left the cluster)',
      'worker 1 is gone, killed',
    ],
  );
});

test('deaths, and how long the next one waits', (t) => {
  const story = serving(2)
    .tell(exit(1, 1), exit(3, null, 'SIGSEGV'))
    .wait(1000)
    .tell(exit(4, null));
  t.deepEqual(story.said(), [
    'error: worker 1 died (exit code 1)',
    'worker 3 starts in slot 0',
    'error: worker 3 died before it was ready (SIGSEGV); the next one starts in 1 s',
    'worker 4 starts in slot 0',
    'error: worker 4 died before it was ready (it could not be started); the next one starts in 2 s',
    'error: degraded: 1 of 2 workers serves; 2 restarts lately, up to 3 failures in a row in one slot. Replacements are slowed down, and go on',
  ]);
});

test('a worker that dies while it drains did not finish its requests', (t) => {
  t.deepEqual(
    serving(2)
      .faulted(1)
      .forget()
      .tell(exit(1, null, 'SIGSEGV'))
      .said(),
    [`error: worker 1 died while it drained (SIGSEGV): ${fault}`],
  );
  t.deepEqual(serving(2).faulted(1).forget().tell(exit(1, 1)).said(), [
    `error: worker 1 died while it drained (exit code 1): ${fault}`,
  ]);
});

test('a worker that does not get ready', (t) => {
  const story = booting(1)
    .wait(10_000)
    .tell(exit(1, null, 'SIGKILL'))
    .forget()
    .wait(10_000);
  t.deepEqual(story.said(), ['warn: worker 2 is killed: it did not get ready in time; the next one starts in 1 s']);
});

test('a stop', (t) => {
  const story = serving(2).tell({ type: 'stop-asked' }, { type: 'stop-asked' });
  t.deepEqual(
    story
      .tell(exit(1, 0))
      .wait(22_000)
      .tell(exit(2, null, 'SIGKILL'))
      .said(),
    [
      'stopping: 2 workers finish what they have (a second signal ends them at once)',
      'worker 1 drains (at most 20 s): the fleet stops',
      'worker 2 drains (at most 20 s): the fleet stops',
      'worker 1 is gone (exit code 0): the fleet stops',
      'warn: worker 2 is killed: it did not leave in time (the fleet stops)',
      'worker 2 is gone, killed',
      'stopped: no worker is left',
    ],
  );
  t.is(
    serving(1).tell({ type: 'stop-asked' }).said()[0],
    'stopping: 1 worker finishes what it has (a second signal ends it at once)',
  );
});

test('a halt', (t) => {
  const story = serving(1).tell({ type: 'stop-asked' }).forget().tell({ type: 'halt-asked' }, { type: 'halt-asked' });
  t.deepEqual(story.said(), [
    'warn: stopping at once: nothing is waited for',
    'warn: worker 1 is killed: the fleet stops',
  ]);
});

test('what a worker says that is gone already is not told', (t) => {
  t.deepEqual(serving(2).faulted(1).left(1).forget().ready(1).faulted(1).left(1).said(), []);
});

const report = {
  name: 'TypeError',
  message: 'x is undefined\nmore',
  stack: 'S',
  causes: [],
  origin: 'uncaughtException',
};
const incident = { id: 'abc', count: 1 };

test('an error is told in a line, with its request, and its stack the first time', (t) => {
  const request = { method: 'GET', path: '/cart', id: '7', headers: {}, durationMs: 1 };
  const first = narrateError({ incident, report: { ...report, request }, first: true, news: 'new' });
  t.is(first.text, 'TypeError: x is undefined – GET /cart (request 7)');
  t.like(first.fields, { incident: 'abc', stack: 'S', count: 1 });
  const later = narrateError({ incident: { ...incident, count: 10 }, report, first: false, news: undefined });
  t.is(later.text, 'TypeError: x is undefined – no request to blame – 10 times now');
  t.false('stack' in (later.fields ?? {}));
  t.deepEqual(first.fields?.['request'], { method: 'GET', path: '/cart', id: '7' }, 'headers are for the book alone');
});

test('an error that was resolved and comes again says so; one that the program has handled is a warning', (t) => {
  const told = { ...incident, count: 38 };
  const returned = narrateError({ incident: told, report, first: true, news: 'returned' });
  t.is(returned.text, 'TypeError: x is undefined – no request to blame – 38 times now – it has returned');
  t.is(returned.level, 'error');
  t.is(narrateError({ incident, report: { ...report, origin: 'reported' }, first: true, news: 'new' }).level, 'warn');
});

const cut = (path: string, answered: boolean): { method: string; path: string; id: string; answered: boolean } => ({
  method: 'GET',
  path,
  id: '',
  answered,
});

test('requests that were cut are named, ten of them', (t) => {
  const about = { id: 1, slot: 0, generation: 1 };
  t.is(narrateCut(about, []), undefined);
  t.is(
    narrateCut(about, [cut('/a', true)])?.text,
    'worker 1 was out of time with 1 request open: 1 answered 503, 0 broken off: GET /a',
  );
  const many = Array.from({ length: 12 }, (_, index) => cut(`/${index}`, index < 5));
  t.regex(
    narrateCut(about, many)?.text ?? '',
    /12 requests open: 5 answered 503, 7 broken off: GET \/0, .*GET \/9 and 2 more$/,
  );
});
