// The one place where the log's sentences about the fleet are written: what happened, and what was ordered because of it.
import type { Cause, CutRequest } from '../worker/protocol.js';
import type { Effect } from './effect.js';
import type { Event } from './event.js';
import type { Milestone } from './incidents/book.js';
import { type Fleet, type Instant, isServing, type Worker } from './state.js';

export interface Sentence {
  readonly level: 'info' | 'warn' | 'error';
  readonly text: string;
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
};

export function narrate(
  event: Event,
  before: Fleet,
  after: Fleet,
  effects: readonly Effect[],
  now: Instant,
): Sentence[] {
  return [
    ...told(event, before, after, now),
    ...effects.flatMap((effect) => ordered(effect, after)),
    ...changed(before, after),
  ];
}

function told(event: Event, before: Fleet, after: Fleet, now: Instant): Sentence[] {
  if (!('id' in event))
    return event.type === 'stop-asked' && before.goal === 'serve' ? [{ level: 'info', text: stopping(before) }] : [];
  const about = before.workers.find(({ id }) => id === event.id);
  if (!about) return [];
  const became = after.workers.find(({ id }) => id === event.id);
  switch (event.type) {
    case 'ready': {
      if (about.phase !== 'booting') return [];
      const ready = after.workers.filter(isServing).length;
      return [{ level: 'info', text: `worker ${about.id} is ready (${ready} of ${after.slots.length})`, about }];
    }
    case 'faulted':
      return became?.phase === 'tainted' && about.phase === 'ready'
        ? [
            {
              level: 'warn',
              text: `worker ${about.id} is faulty and cannot be spared: it serves on until its successor is ready`,
              about,
              cause: 'fault',
            },
          ]
        : [];
    case 'draining':
      return became?.phase === 'draining' && about.phase !== 'draining'
        ? [{ level: 'info', text: `worker ${about.id} leaves: ${because[event.because]}`, about, cause: event.because }]
        : [];
    case 'exited':
      return [exited(event, about, after, now)];
  }
}

function exited(
  { id, code, signal }: Extract<Event, { type: 'exited' }>,
  about: Worker,
  after: Fleet,
  now: Instant,
): Sentence {
  const how = signal === null ? `exit code ${code}` : signal;
  const fields = { code, signal };
  if (about.phase === 'draining' || about.phase === 'killing') {
    const cut = about.phase === 'killing';
    const text = cut
      ? `worker ${id} is gone, killed: ${because[about.because]}`
      : `worker ${id} is gone (${how}): ${because[about.because]}`;
    return { level: cut ? 'warn' : 'info', text, about, cause: about.because, fields };
  }
  const wait = Math.max(0, (after.slots[about.slot]?.vacantUntil ?? now) - now);
  const next = wait > 0 ? `; the next one starts in ${seconds(wait)}` : '';
  const text =
    about.phase === 'booting'
      ? `worker ${id} died before it was ready (${how})${next}`
      : `worker ${id} died (${how})${next}`;
  return { level: 'error', text, about, fields };
}

function ordered(effect: Effect, after: Fleet): Sentence[] {
  switch (effect.type) {
    case 'spawn':
      return [{ level: 'info', text: `worker ${effect.id} starts in slot ${effect.slot}`, about: effect }];
    case 'drain': {
      const about = after.workers.find(({ id }) => id === effect.id);
      const limit = `at most ${seconds(effect.killTimeoutMs)}`;
      const text = `worker ${effect.id} drains (${limit}): ${because[effect.because]}`;
      return [
        { level: effect.because === 'fault' ? 'warn' : 'info', text, cause: effect.because, ...(about && { about }) },
      ];
    }
    case 'kill': {
      const about = after.workers.find(({ id }) => id === effect.id);
      return [
        {
          level: 'warn',
          text: `worker ${effect.id} is killed: ${because[effect.because]}`,
          cause: effect.because,
          ...(about && { about }),
        },
      ];
    }
    case 'finish':
      return [{ level: 'info', text: 'stopped: no worker is left' }];
  }
}

function changed(before: Fleet, after: Fleet): Sentence[] {
  if (before.degraded === after.degraded) return [];
  const serving = after.workers.filter(isServing).length;
  const state = `${serving} of ${after.slots.length} workers serve`;
  if (!after.degraded) return [{ level: 'info', text: `recovered: ${state}` }];
  const failures = Math.max(...after.slots.map((slot) => slot.failures));
  const why = `${after.restarts.length} restarts lately${failures > 1 ? `, up to ${failures} failures in a row in one slot` : ''}`;
  return [{ level: 'error', text: `degraded: ${state}; ${why}. Replacements are slowed down, and go on` }];
}

const stopping = (fleet: Fleet): string =>
  `stopping: ${fleet.workers.length} workers finish what they have (a second signal ends them at once)`;

/** A milestone of an incident, with the request that met it. */
export function narrateError({ incident, report }: Milestone): Sentence {
  const { request } = report;
  const where = request ? `${request.method} ${request.path} (request ${request.id})` : 'no request to blame';
  const times = incident.count === 1 ? '' : ` – ${incident.count} times now`;
  const text = `${report.name}: ${firstLine(report.message)} – ${where}${times}`;
  const stack = incident.count === 1 && report.stack !== undefined ? { stack: report.stack } : {};
  return {
    level: 'error',
    text,
    cause: 'fault',
    fields: { incident: incident.id, count: incident.count, request, origin: report.origin, ...stack },
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
  const text = `worker ${about.id} was out of time with ${requests.length} requests open: ${answered} answered 503, ${requests.length - answered} broken off: ${names.join(', ')}${more}`;
  return { level: 'warn', text, about, fields: { requests } };
}

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? '';
const seconds = (ms: number): string => (ms < 1000 ? `${Math.round(ms)} ms` : `${Number((ms / 1000).toFixed(1))} s`);
