// The book as it is shown: what `/v1/errors` says, and `cordon errors` after it. Stable: keys are added, never changed.
import type { CauseReport, RequestDetail } from '../../worker/protocol.js';
import { type Incident, type IncidentState, type Moment, type Occurrence, stateOf } from './incident.js';
import { hours } from './minutes.js';
import { type CodeLine, type SourceFrame, sourceOf } from './source.js';

export interface IncidentQuestion {
  /** So many of the latest. Default: all. */
  readonly lines?: number;
  /** Met at or after this moment, in milliseconds since the epoch. */
  readonly since?: number;
  readonly state?: IncidentState;
}

export interface IncidentSummary {
  readonly id: string;
  readonly state: IncidentState;
  readonly name: string;
  readonly code?: string;
  /** Of the last occurrence. */
  readonly message: string;
  readonly count: number;
  /** How many of them the program had handled itself, and reported. */
  readonly handled: number;
  /** ISO 8601, as all times. */
  readonly firstSeen: string;
  readonly lastSeen: string;
  readonly releases: readonly ReleaseCount[];
  /** How often in each of the last 24 hours; the last is the hour that ends now. */
  readonly trend: readonly number[];
}

interface ReleaseCount {
  readonly generation: number;
  /** When this generation began. */
  readonly since: string;
  readonly count: number;
}

export interface OccurrenceView {
  readonly at: string;
  readonly worker: number;
  readonly pid?: number;
  readonly slot: number;
  readonly generation: number;
  readonly message: string;
  /** `uncaughtException`, `unhandledRejection`, or `reported` where the program has handled it itself. */
  readonly origin: string;
  /** Absent where no request can be blamed. Secrets are not in it. */
  readonly request?: RequestDetail;
  /** What the program said about it. */
  readonly context?: unknown;
}

export interface IncidentDetail extends IncidentSummary {
  readonly resolvedAt?: string;
  readonly returnedAt?: string;
  readonly workers: readonly { worker: number; pid?: number; slot: number; count: number }[];
  /** The minutes of the last day in which it was met. */
  readonly minutes: readonly { readonly at: string; readonly count: number }[];
  readonly first: OccurrenceView;
  /** The last ones, the newest first; empty where there was but one. */
  readonly recent: readonly OccurrenceView[];
  /** Of the last occurrence. */
  readonly stack?: string;
  readonly frames: readonly SourceFrame[];
  /** A few lines of code around the program's topmost frame; empty where there are none to be read. */
  readonly excerpt: readonly CodeLine[];
  /** What it was caused by, and the errors of an AggregateError: `of` is whose, an index in this list or -1. */
  readonly causes: readonly (CauseReport & { readonly frames: readonly SourceFrame[] })[];
}

const iso = (moment: Moment): string => new Date(moment).toISOString();
const last = ({ first, recent }: Incident): Occurrence => recent.at(-1) ?? first;

/** Those that were met since, the one that was met last first. */
export const listed = (
  incidents: Iterable<Incident>,
  since: Moment,
  state: IncidentState | undefined,
  now: Moment,
): Incident[] =>
  [...incidents]
    .filter((one) => one.lastSeen >= since && (state === undefined || stateOf(one, now) === state))
    .toSorted((one, other) => other.lastSeen - one.lastSeen);

export function summaryOf(incident: Incident, now: Moment): IncidentSummary {
  const { id, name, code, count, handled, first, lastSeen, releases, minutes } = incident;
  return {
    id,
    state: stateOf(incident, now),
    name,
    ...(code !== undefined && { code }),
    message: last(incident).message,
    count,
    handled,
    firstSeen: iso(first.at),
    lastSeen: iso(lastSeen),
    releases: releases.map(({ of, count: times }) => ({
      generation: of.generation,
      since: iso(of.since),
      count: times,
    })),
    trend: hours(minutes.since(now), now),
  };
}

/** Reads the files that the stack names, and their source maps. */
export function detailOf(incident: Incident, now: Moment): IncidentDetail {
  const { first, recent, workers, minutes, resolvedAt, returnedAt } = incident;
  const latest = last(incident);
  const stack = latest.stack ?? incident.stack;
  const causes = latest.causes ?? incident.causes;
  return {
    ...summaryOf(incident, now),
    ...(resolvedAt !== undefined && { resolvedAt: iso(resolvedAt) }),
    ...(returnedAt !== undefined && { returnedAt: iso(returnedAt) }),
    workers: workers.map(({ of, count }) => ({ ...withPid(of), slot: of.slot, count })),
    minutes: minutes.since(now).map(([minute, count]) => ({ at: iso(minute * 60_000), count })),
    first: viewOf(first),
    recent: recent.toReversed().map(viewOf),
    ...(stack !== undefined && { stack }),
    ...sourceOf(latest.message, stack, latest.at),
    causes: causes.map((cause) => ({ ...cause, frames: sourceOf(cause.message, cause.stack, latest.at).frames })),
  };
}

const withPid = ({ worker, pid }: { worker: number; pid: number | undefined }): { worker: number; pid?: number } => ({
  worker,
  ...(pid !== undefined && { pid }),
});

function viewOf({ at, worker, pid, slot, release, message, origin, request, context }: Occurrence): OccurrenceView {
  return {
    at: iso(at),
    ...withPid({ worker, pid }),
    slot,
    generation: release.generation,
    message,
    origin,
    ...(request && { request }),
    ...(context !== undefined && { context: parsed(context) }),
  };
}

/** It may have been cut. */
function parsed(context: string): unknown {
  try {
    return JSON.parse(context);
  } catch {
    return context;
  }
}
