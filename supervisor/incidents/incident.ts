// One incident as data: what like errors have in common, and the first and the last few of them. Nothing in here does I/O.
import type { CauseReport, ErrorReport, RequestDetail } from '../../worker/protocol.js';
import { type Minute, Minutes } from './minutes.js';

/** Wall-clock time, in milliseconds since the epoch: a book outlives the monotonic clock. */
export type Moment = number;

/** A generation's number begins anew with each supervisor; together with when it began it is one release for ever. */
export interface Release {
  readonly generation: number;
  readonly since: Moment;
}

/** Who met an error. */
export interface Witness {
  readonly worker: number;
  readonly pid: number | undefined;
  readonly slot: number;
  readonly release: Release;
}

/** A fact: like errors that one worker has told together. */
export interface Encounter extends Witness {
  readonly at: Moment;
  /** Of the first of them. */
  readonly report: ErrorReport;
  readonly count: number;
}

export interface Occurrence extends Witness {
  readonly at: Moment;
  readonly message: string;
  readonly origin: string;
  readonly request?: RequestDetail;
  readonly context?: string;
  /** Absent where it is the incident's. */
  readonly stack?: string;
  readonly causes?: readonly CauseReport[];
}

export interface Counted<Of> {
  readonly of: Of;
  count: number;
}

export interface Incident {
  readonly id: string;
  readonly name: string;
  readonly code: string | undefined;
  /** Of the first occurrence. */
  readonly stack: string | undefined;
  readonly causes: readonly CauseReport[];
  readonly first: Occurrence;
  /** The last ones, oldest first; without the first. */
  readonly recent: Occurrence[];
  lastSeen: Moment;
  count: number;
  /** How many of them the program has handled itself, and reported. */
  handled: number;
  resolvedAt: Moment | undefined;
  /** Met again after it had been resolved. */
  returnedAt: Moment | undefined;
  /** The last ones, oldest first. */
  readonly releases: Counted<Release>[];
  readonly workers: Counted<Omit<Witness, 'release'>>[];
  readonly minutes: Minutes;
  /** How often since this supervisor started. */
  lately: number;
  /** About how many bytes it holds, the histogram included. */
  size: number;
}

/** Its own place for the first, and for this many of the last. */
export const MAX_OCCURRENCES = 20;
const MAX_COUNTED = 20;
const DAY_MS = 86_400_000;

export type IncidentState = 'new' | 'known' | 'resolved' | 'returned';

/** New for a day. What was resolved stays so until it is met again, and what has returned until it is resolved again. */
export function stateOf({ first, resolvedAt, returnedAt }: Incident, now: Moment): IncidentState {
  if (returnedAt !== undefined) return 'returned';
  if (resolvedAt !== undefined) return 'resolved';
  return now - first.at < DAY_MS ? 'new' : 'known';
}

const MAX_MESSAGE = 2048;
const MAX_STACK = 8192;
const MAX_CAUSE = 2048;
const MAX_CONTEXT = 4096;

const cut = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most)}… (cut)` : text);

/** A report as the book keeps it: a thousand incidents with twenty occurrences each must have room. */
export const slim = (report: ErrorReport): ErrorReport => ({
  ...report,
  message: cut(report.message, MAX_MESSAGE),
  causes: report.causes.map((cause) => ({
    ...cause,
    message: cut(cause.message, MAX_CAUSE),
    ...(cause.stack !== undefined && { stack: cut(cause.stack, MAX_CAUSE) }),
  })),
  ...(report.stack !== undefined && { stack: cut(report.stack, MAX_STACK) }),
  ...(report.context !== undefined && { context: cut(report.context, MAX_CONTEXT) }),
});

const occurrenceOf = ({ report, at, worker, pid, slot, release }: Encounter): Occurrence => ({
  at,
  worker,
  pid,
  slot,
  release,
  message: report.message,
  origin: report.origin,
  ...(report.request && { request: report.request }),
  ...(report.context !== undefined && { context: report.context }),
});

export function begin(id: string, encounter: Encounter): Incident {
  const { report } = encounter;
  const first = occurrenceOf(encounter);
  const incident: Incident = {
    id,
    name: report.name,
    code: report.code,
    stack: report.stack,
    causes: report.causes,
    first,
    recent: [],
    lastSeen: encounter.at,
    count: 0,
    handled: 0,
    resolvedAt: undefined,
    returnedAt: undefined,
    releases: [],
    workers: [],
    minutes: new Minutes(),
    lately: 0,
    size: 0,
  };
  incident.size = sizeOf(first) + (report.stack?.length ?? 0) + sizeOfCauses(report.causes) + 2 * MAX_STACK;
  return incident;
}

/** One more encounter, or many at once. Whether the incident has returned by it. */
export function meet(incident: Incident, encounter: Encounter): boolean {
  const { at, count, report, worker, pid, slot, release } = encounter;
  if (incident.count > 0) remember(incident, encounter);
  incident.count += count;
  if (report.origin === 'reported') incident.handled += count;
  incident.lastSeen = Math.max(incident.lastSeen, at);
  incident.minutes.add(at, count);
  tally(incident.releases, release, releaseKey, count);
  tally(incident.workers, { worker, pid, slot }, workerKey, count);
  const returned = incident.resolvedAt !== undefined && incident.returnedAt === undefined;
  if (returned) incident.returnedAt = at;
  return returned;
}

function remember(incident: Incident, encounter: Encounter): void {
  const { stack, causes } = encounter.report;
  const otherCauses = JSON.stringify(causes) !== JSON.stringify(incident.causes);
  const occurrence: Occurrence = {
    ...occurrenceOf(encounter),
    ...(stack !== incident.stack && stack !== undefined && { stack }),
    ...(otherCauses && { causes }),
  };
  incident.recent.push(occurrence);
  incident.size += sizeOf(occurrence);
  while (incident.recent.length >= MAX_OCCURRENCES) {
    const oldest = incident.recent.shift();
    if (oldest) incident.size -= sizeOf(oldest);
  }
}

/** The one that is met moves to the end; the front is the first to go. */
function tally<Of>(list: Counted<Of>[], of: Of, keyOf: (one: Of) => string, count: number): void {
  const key = keyOf(of);
  const at = list.findLastIndex((one) => keyOf(one.of) === key);
  const known = at === -1 ? { of, count: 0 } : list.splice(at, 1)[0];
  if (known === undefined) return;
  known.count += count;
  list.push(known);
  if (list.length > MAX_COUNTED) list.shift();
}

const sizeOfCauses = (causes: readonly CauseReport[]): number =>
  causes.reduce((sum, { message, stack = '' }) => sum + message.length + stack.length + 100, 0);

const sizeOf = ({ message, stack = '', context = '', causes = [], request }: Occurrence): number => {
  const headers = Object.entries(request?.headers ?? {}).reduce(
    (sum, [key, value]) => sum + key.length + value.length,
    0,
  );
  return (
    500 + message.length + stack.length + context.length + sizeOfCauses(causes) + headers + (request?.path.length ?? 0)
  );
};

/** An incident as a line of the book on disk. */
export type StoredIncident = Omit<Incident, 'minutes'> & { readonly minutes: readonly Minute[] };

export const toStored = (incident: Incident, now: Moment): StoredIncident => ({
  ...incident,
  minutes: incident.minutes.since(now),
});

export function fromStored(stored: StoredIncident): Incident {
  const { first, stack = '', causes, recent } = stored;
  const size = sizeOf(first) + stack.length + sizeOfCauses(causes) + 2 * MAX_STACK;
  return {
    ...stored,
    recent: [...recent],
    releases: [...stored.releases],
    workers: [...stored.workers],
    minutes: new Minutes(stored.minutes),
    lately: 0,
    size: recent.reduce((sum, one) => sum + sizeOf(one), size),
  };
}

/** What was met before the book on disk could be read, told to what that says. `older` takes it in. */
export function combine(older: Incident, newer: Incident): void {
  const whole = (occurrence: Occurrence): Occurrence => ({
    ...occurrence,
    ...(newer.stack !== older.stack && newer.stack !== undefined && { stack: occurrence.stack ?? newer.stack }),
  });
  const recent = [...older.recent, ...[newer.first, ...newer.recent].map(whole)].slice(1 - MAX_OCCURRENCES);
  older.recent.splice(0, older.recent.length, ...recent);
  older.count += newer.count;
  older.handled += newer.handled;
  older.lately += newer.lately;
  older.size += newer.size;
  older.lastSeen = Math.max(older.lastSeen, newer.lastSeen);
  for (const [minute, count] of newer.minutes.since(newer.lastSeen)) older.minutes.add(minute * 60_000, count);
  for (const { of, count } of newer.releases) tally(older.releases, of, releaseKey, count);
  for (const { of, count } of newer.workers) tally(older.workers, of, workerKey, count);
  if (older.resolvedAt !== undefined) older.returnedAt ??= newer.first.at;
  if (newer.resolvedAt !== undefined) older.resolvedAt = newer.resolvedAt;
}

const releaseKey = ({ since, generation }: Release): string => `${since} ${generation}`;
const workerKey = ({ worker, pid }: Omit<Witness, 'release'>): string => `${worker} ${pid}`;
