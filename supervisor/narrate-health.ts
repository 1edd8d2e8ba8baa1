// The log's sentences about workers that are stuck, and about those that have come to a limit.
import { sizeInWords } from '../config/size.js';
import type { ErrorReport } from '../worker/protocol.js';
import type { Effect } from './effect.js';
import type { Frame } from './hang/protocol.js';
import type { Diagnosis } from './hang/ward.js';
import type { Reached } from './health.js';
import type { Sentence } from './narrate.js';
import { type Fleet, find, type Instant, isServing } from './state.js';
import { count, seconds } from './words.js';

type Told = Extract<Effect, { type: 'examine' | 'freed' | 'recycle' | 'give-up' }>;

export function narrateHealth(effect: Told, before: Fleet, now: Instant): Sentence {
  if (effect.type === 'give-up')
    return {
      level: 'error',
      text: `giving up: every worker has failed ${count(effect.failures, 'time')} or more in a row`,
    };
  const about = find(before, effect.id);
  const rest = about && { about };
  switch (effect.type) {
    case 'examine': {
      const text = `worker ${effect.id} has said nothing for ${seconds(waited(before, effect.id, now))}: it is looked into`;
      return { level: 'warn', text, ...rest };
    }
    case 'freed': {
      const after = seconds(waited(before, effect.id, now));
      const text = effect.guilty
        ? `worker ${effect.id} is free again: the request that held it up is answered 503, its others waited ${after}`
        : `worker ${effect.id} is back by itself; its clients waited ${after}`;
      return { level: 'warn', text, ...rest };
    }
    case 'recycle':
      return { level: 'info', text: `worker ${effect.id} ${limitWords(effect.reached)}: it is replaced`, ...rest };
  }
}

/** Why a worker is killed that was serving, or that drained and had time left; undefined for any other. */
export function whyKilled(
  { id, because }: Extract<Effect, { type: 'kill' }>,
  before: Fleet,
  now: Instant,
): string | undefined {
  const worker = find(before, id);
  if (because === 'stalled' && worker && (isServing(worker) || worker.phase === 'standby'))
    return `its event loop stands still; its clients waited ${seconds(waited(before, id, now))}`;
  if (before.goal === 'serve' && worker?.phase === 'draining' && worker.until > now)
    return 'it has grown past 1.5 times limits.memory while it drained';
  return undefined;
}

const waited = (fleet: Fleet, id: number, now: Instant): number => now - (find(fleet, id)?.vitals.heardAt ?? now);

function limitWords({ limit, is, most }: Reached): string {
  switch (limit) {
    case 'memory':
      return `holds ${sizeInWords(is)} of memory, and may have ${sizeInWords(most)}`;
    case 'heap':
      return `has ${Math.round(is * 100)} % of its heap in use, and may have ${Math.round(most * 100)} %`;
    case 'requests':
      return `has served ${is} requests, and may serve ${Math.ceil(most)}`;
    case 'lifetime':
      return `has served for ${seconds(is)}, and may for ${seconds(most)}`;
  }
}

/** The first of the program's own; Node's where there is none. */
const culprit = (frames: readonly Frame[]): Frame | undefined =>
  frames.find(({ file }) => file !== '' && !file.startsWith('node:')) ?? frames[0];

const place = ({ file, line, column }: Frame): string => `${file}:${line}:${column}`;

/** A kind of its own in the book of errors; two that are stuck at the same place are the same incident. */
export function stuckReport({ frames, request }: Extract<Diagnosis, { type: 'stack' }>): ErrorReport {
  const where = culprit(frames);
  const name = 'EventLoopStuck';
  const message = where ? `in ${where.name} (${place(where)})` : 'in native code';
  const stack = [`${name}: ${message}`, ...frames.map((frame) => `    at ${frame.name} (${place(frame)})`)].join('\n');
  return { name, message, stack, causes: [], origin: 'stuck', ...(request && { request }) };
}

export function narrateStuck(id: number, diagnosis: Diagnosis): Sentence {
  if (diagnosis.type === 'failed')
    return {
      level: 'error',
      event: 'hang',
      text: `worker ${id} is stuck, and cannot be looked into: ${diagnosis.why}`,
    };
  const { message, request, stack } = stuckReport(diagnosis);
  const by = request ? `${request.method} ${request.path} (request ${request.id})` : 'no request to blame';
  const named = request && { method: request.method, path: request.path, id: request.id };
  return {
    level: 'error',
    event: 'hang',
    text: `worker ${id} is stuck ${message} – ${by}`,
    fields: { request: named, origin: 'stuck', stack },
  };
}
