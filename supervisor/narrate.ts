// The one place where the log's sentences about the fleet are written: what happened, and what was ordered because of it.
import { type Cause, type CutRequest, type ErrorReport, ExitCode, type RequestName } from '../worker/protocol.js';
import type { Effect } from './effect.js';
import type { Event, Held } from './event.js';
import type { Entry } from './incidents/book.js';
import { asked, reloaded, watched } from './narrate-change.js';
import { narrateHealth, whyKilled } from './narrate-health.js';
import { type Fleet, find, type Instant, isServing, type Worker } from './state.js';
import { count, seconds } from './words.js';

export interface Sentence {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly text: string;
  /** What kind of thing happened, in one word. */
  readonly event?: string;
  /** The worker that it is about. */
  readonly about?: Pick<Worker, 'id' | 'slot' | 'generation'>;
  readonly cause?: Cause;
  readonly fields?: Readonly<Record<string, unknown>>;
}

const because: Record<Cause, string> = {
  fault: 'an error that nobody caught',
  stop: 'the fleet stops',
  stalled: 'it did not get ready in time',
  orphaned: 'its supervisor is gone',
  disconnected: 'its program left the cluster',
  reload: 'a newer generation has its place',
  rollback: 'the newer generation is no good',
  restart: 'all workers are restarted',
  scale: 'fewer workers are wanted',
  recycle: 'it is to be replaced',
};

export function narrate(
  event: Event,
  before: Fleet,
  after: Fleet,
  effects: readonly Effect[],
  now: Instant,
): Sentence[] {
  return [
    ...standing(event, before, after).map(named('ready')),
    ...told(event, before, after, now).map(named(kinds[event.type])),
    ...asked(event, before, after).map(named(kinds[event.type])),
    ...watched(before, after).map(named('reload')),
    ...effects.map((effect) => named(effect.type)(ordered(effect, before, after, now))),
    ...changed(before, after).map(named(after.degraded ? 'degraded' : 'recovered')),
  ];
}

/** What an event is called where it is told. */
const kinds: Readonly<Record<Event['type'], string>> = {
  ready: 'fault',
  binding: 'bind',
  listening: 'fault',
  faulted: 'fault',
  beat: 'beat',
  draining: 'drain',
  exited: 'exit',
  'reload-asked': 'reload',
  'recall-asked': 'reload',
  'restart-asked': 'restart',
  'scale-asked': 'scale',
  'recycle-asked': 'recycle',
  'stop-asked': 'stop',
  'halt-asked': 'stop',
  examined: 'hang',
  excused: 'look',
  overslept: 'time',
  'time-passed': 'time',
};

const named =
  (event: string) =>
  (sentence: Sentence): Sentence => ({ event, ...sentence });

function told(event: Event, before: Fleet, after: Fleet, now: Instant): Sentence[] {
  switch (event.type) {
    case 'stop-asked':
      return before.goal === 'serve' ? [{ level: 'info', text: stopping(before) }] : [];
    case 'halt-asked':
      return before.goal === 'serve' || before.goal === 'stop'
        ? [{ level: 'warn', text: 'stopping at once: nothing is waited for' }]
        : [];
    case 'time-passed':
    case 'examined':
    case 'excused':
    case 'overslept':
    case 'beat':
    case 'reload-asked':
    case 'recall-asked':
    case 'restart-asked':
    case 'scale-asked':
    case 'recycle-asked':
      return [];
    case 'exited': {
      const about = seatOf(before, event.id);
      return about ? [exited(event, about, after, now)] : [];
    }
    case 'draining':
      return became('draining', event.id, before, after).map((about) => ({
        level: 'info',
        text: `worker ${about.id} leaves: ${because[event.because]}`,
        about,
        cause: event.because,
      }));
    case 'ready':
    case 'binding':
    case 'listening':
    case 'faulted':
      return tainted(event.id, before, after);
  }
}

const seatOf = find;

/** The worker, where this turn put it into this phase. */
function became(phase: Worker['phase'], id: number, before: Fleet, after: Fleet): Worker[] {
  const about = seatOf(after, id);
  return about?.phase === phase && seatOf(before, id)?.phase !== phase ? [about] : [];
}

/** Whoever has got ready in this turn, whichever fact made it so. */
function standing(event: Event, before: Fleet, after: Fleet): Sentence[] {
  return after.workers.flatMap((about): Sentence[] => {
    if (seatOf(before, about.id)?.phase !== 'booting') return [];
    if (about.phase === 'standby') return [{ level: 'info', text: `worker ${about.id} stands by`, about }];
    const itself = (event.type === 'ready' || event.type === 'listening') && event.id === about.id;
    const isReady = isServing(about) || (itself && about.phase === 'draining');
    if (!isReady) return [];
    const serving = Math.min(after.size, after.workers.filter(isServing).length);
    return [{ level: 'info', text: `worker ${about.id} is ready (${serving} of ${after.size})`, about }];
  });
}

const tainted = (id: number, before: Fleet, after: Fleet): Sentence[] =>
  became('tainted', id, before, after).map((about) => ({
    level: 'warn',
    text: `worker ${id} is faulty and cannot be spared: it serves on until its successor is ready`,
    about,
    cause: 'fault',
  }));

/** How a worker ends that has nothing left to do; 82 says that it was out of time, and `narrateCut` names the requests. */
const ORDERLY: readonly (number | null)[] = [ExitCode.drained, ExitCode.faulted, ExitCode.cut, ExitCode.orphaned];

function exited(
  { id, code, signal, had }: Extract<Event, { type: 'exited' }>,
  about: Worker,
  after: Fleet,
  now: Instant,
): Sentence {
  const how = signal ?? (code === null ? 'it could not be started' : `exit code ${code}`);
  const fields = { code, signal, ...(had && had.requests > 0 && { lost: had.requests }) };
  switch (about.phase) {
    case 'killing':
      return { level: 'info', text: `worker ${id} is gone, killed`, about, cause: about.because, fields };
    case 'draining': {
      const orderly = signal === null && ORDERLY.includes(code);
      const text = orderly ? `worker ${id} is gone` : `worker ${id} died while it drained${took(had)}`;
      const level = orderly ? 'info' : 'error';
      return { level, text: `${text} (${how}): ${because[about.because]}`, about, cause: about.because, fields };
    }
    case 'booting':
      return {
        level: 'error',
        text: `worker ${id} ${died(code)} before it was ready (${how})${next(about, after, now)}`,
        about,
        fields,
      };
    case 'ready':
    case 'standby':
    case 'tainted':
      return {
        level: code === 0 ? 'warn' : 'error',
        text: `worker ${id} ${died(code)} (${how})${took(had)}${next(about, after, now)}`,
        about,
        fields,
      };
  }
}

/** What went with it. */
function took(had: Held | undefined): string {
  if (had === undefined || had.requests + had.connections === 0) return '';
  const connections = had.connections === 1 ? '1 connection' : `${had.connections} connections`;
  const requests = had.requests === 1 ? '1 open request' : `${had.requests} open requests`;
  return had.requests === 0 ? `, and with it ${connections}, idle` : `, and with it ${requests} on ${connections}`;
}

/** A program that has nothing left to do, or leaves, has not crashed. */
const died = (code: number | null): string => (code === 0 ? 'has ended by itself' : 'died');

/** Where the next worker of this slot has to wait. */
function next({ slot }: Worker, after: Fleet, now: Instant): string {
  const { vacantUntil = now, stillborn = false } = after.slots[slot] ?? {};
  const wait = vacantUntil - now;
  const turns = stillborn && after.slots.length > 2 && !after.workers.some(isServing);
  return wait > 0 ? `; the next one starts in ${seconds(wait)}${turns ? ' at the earliest' : ''}` : '';
}

function ordered(effect: Effect, before: Fleet, after: Fleet, now: Instant): Sentence {
  switch (effect.type) {
    case 'spawn':
      return { level: 'info', text: `worker ${effect.id} starts in slot ${effect.slot}`, about: effect };
    case 'serve': {
      const about = seatOf(before, effect.id);
      // One that was ready in this turn has been told of.
      const silent = about?.phase === 'booting';
      return {
        level: silent ? 'debug' : 'info',
        text: `worker ${effect.id} is called into service`,
        ...(about && { about }),
      };
    }
    case 'reloaded':
      return reloaded(effect.generation, effect.failure, after);
    case 'drain': {
      const about = seatOf(after, effect.id);
      const limit = `at most ${seconds(effect.killTimeoutMs)}`;
      const text = `worker ${effect.id} drains (${limit}): ${because[effect.because]}`;
      return {
        level: effect.because === 'fault' ? 'warn' : 'info',
        text,
        cause: effect.because,
        ...(about && { about }),
      };
    }
    case 'kill': {
      const about = seatOf(after, effect.id);
      const late = seatOf(before, effect.id)?.phase === 'draining' && after.goal !== 'halt';
      const grown = after.goal === 'halt' ? undefined : whyKilled(effect, before, now);
      const why = grown ?? (late ? `it did not leave in time (${because[effect.because]})` : because[effect.because]);
      const wait = effect.because === 'stalled' && about ? next(about, after, now) : '';
      return {
        level: 'warn',
        text: `worker ${effect.id} is killed: ${why}${wait}`,
        cause: effect.because,
        ...(about && { about }),
      };
    }
    case 'examine':
    case 'freed':
    case 'recycle':
    case 'give-up':
      return narrateHealth(effect, before, now);
    case 'finish':
      return { level: 'info', text: 'stopped: no worker is left' };
  }
}

function changed(before: Fleet, after: Fleet): Sentence[] {
  if (before.degraded === after.degraded) return [];
  const serving = after.workers.filter(isServing).length;
  const state = `${serving} of ${count(after.size, 'worker')} ${serving === 1 ? 'serves' : 'serve'}`;
  if (!after.degraded) return [{ level: 'info', text: `recovered: ${state}` }];
  const failures = Math.max(...after.slots.map((slot) => slot.failures));
  const row = failures > 1 ? `, up to ${failures} failures in a row in one slot` : '';
  const why = `${count(after.restarts.length, 'restart')} lately${row}`;
  return [{ level: 'error', text: `degraded: ${state}; ${why}. Replacements are slowed down, and go on` }];
}

function stopping({ workers }: Fleet): string {
  if (workers.length === 0) return 'stopping: no worker runs';
  const what =
    workers.length === 1 ? '1 worker finishes what it has' : `${workers.length} workers finish what they have`;
  return `stopping: ${what} (a second signal ends ${workers.length === 1 ? 'it' : 'them'} at once)`;
}

export interface Milestone extends Pick<Entry, 'first' | 'news'> {
  readonly incident: { readonly id: string; readonly count: number };
  readonly report: ErrorReport;
}

/** A milestone of an incident, with the request that met it. */
export function narrateError({ incident, report, first, news }: Milestone): Sentence {
  const { request, origin } = report;
  const where = request ? `${request.method} ${request.path} (request ${request.id})` : 'no request to blame';
  const times = incident.count === 1 ? '' : ` – ${incident.count} times now`;
  const again = news === 'returned' ? ' – it has returned' : '';
  const text = `${report.name}: ${firstLine(report.message)} – ${where}${times}${again}`;
  const stack = first && report.stack !== undefined ? { stack: report.stack } : {};
  return {
    level: origin === 'reported' ? 'warn' : 'error',
    event: 'error',
    text,
    ...(origin !== 'reported' && { cause: 'fault' }),
    fields: { incident: incident.id, count: incident.count, request: request && nameOf(request), origin, ...stack },
  };
}

export function narrateCut(
  about: Pick<Worker, 'id' | 'slot' | 'generation'>,
  requests: readonly CutRequest[],
): Sentence | undefined {
  if (requests.length === 0) return undefined;
  const answered = requests.filter((request) => request.answered).length;
  const names = requests.slice(0, 10).map(({ method, path }) => `${method} ${path}`);
  const more = requests.length > names.length ? ` and ${requests.length - names.length} more` : '';
  const text = `worker ${about.id} was out of time with ${count(requests.length, 'request')} open: ${answered} answered 503, ${requests.length - answered} broken off: ${names.join(', ')}${more}`;
  return { level: 'warn', event: 'cut', text, about, fields: { requests } };
}

/** In all its life: when it drained, and where it held more than its share. */
export const narrateHandOver = (about: Pick<Worker, 'id' | 'slot' | 'generation'>, connections: number): Sentence => ({
  level: 'info',
  event: 'hand-over',
  text: `worker ${about.id} has handed over ${count(connections, 'connection')}, which other workers serve`,
  about,
  fields: { connections },
});

/** Its headers are for the book alone. */
const nameOf = ({ method, path, id }: RequestName): RequestName => ({ method, path, id });

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? '';
