// Pure: whether a worker is still heard, what becomes of one that is not, and when one has had enough. Silence is judged when time
// has passed, and by nothing else: a beat of another worker must not condemn one whose own lies unread beside it.
import type { Effect } from './effect.js';
import type { Event } from './event.js';
import { abandon } from './reload.js';
import { calmAt, fraction } from './restart.js';
import { type Fleet, find, type Instant, isServing, type Policy, type Vitals, type Worker } from './state.js';
import { change, type Decision, failed, followed, isHopeless, move, nothing } from './turn.js';

/** For an inspector to answer; for all that is done through it; for an event loop to come back. */
const OPENING_MS = 2000;
const OPERATION_MS = 5000;
const FREED_MS = 1000;
/** So many beats more for everybody, when it was the supervisor that did not listen. */
const BEATS_MORE = 2;
/** A draining worker that holds so many times what it may is ended. */
const TOO_MUCH = 1.5;

const isHeardOf = (worker: Worker): boolean => isServing(worker) || worker.phase === 'standby';

const withVitals = (fleet: Fleet, id: number, vitals: Vitals): Fleet => ({
  ...fleet,
  workers: fleet.workers.map((worker) => (worker.id === id ? { ...worker, vitals } : worker)),
});

/** When a worker's silence is too long, or what was begun because of it is to be over. */
const silentAt = ({ vitals: { heardAt, stuck } }: Worker, { health }: Policy): Instant =>
  stuck?.until ?? heardAt + health.hangMs;

/** Who is silent is opened; who cannot be opened, or is not free in time, is killed. */
export function listen(fleet: Fleet, now: Instant, policy: Policy): Decision {
  const silent = fleet.workers.filter((worker) => isHeardOf(worker) && now >= silentAt(worker, policy));
  return silent.reduce<Decision>((all, worker) => {
    const { heardAt, stuck } = worker.vitals;
    if (stuck) return followed(all, end(all.fleet, worker, now, policy));
    const { onHang, hangMs } = policy.health;
    const vitals: Vitals = { heardAt, stuck: { until: now + OPENING_MS, step: 'asked' } };
    const examine: Effect = { type: 'examine', id: worker.id, onHang, hangMs };
    return followed(all, { fleet: withVitals(all.fleet, worker.id, vitals), effects: [examine] });
  }, nothing(fleet));
}

/** How far whoever opens a stuck worker has come. */
export function examined(
  fleet: Fleet,
  { id, step }: Extract<Event, { type: 'examined' }>,
  now: Instant,
  policy: Policy,
): Decision {
  const worker = find(fleet, id);
  const stuck = worker?.vitals.stuck;
  if (!worker || !stuck || !isHeardOf(worker)) return nothing(fleet);
  const { heardAt } = worker.vitals;
  const at = (until: Instant): Decision => nothing(withVitals(fleet, id, { heardAt, stuck: { until, step } }));
  const reports = policy.health.onHang === 'report';
  switch (step) {
    case 'asked':
    case 'opened':
      return at(now + OPERATION_MS);
    case 'seen':
      return at(reports ? Number.POSITIVE_INFINITY : now + OPERATION_MS);
    case 'terminated':
      return at(now + FREED_MS);
    case 'doomed':
    case 'failed':
      return reports ? at(Number.POSITIVE_INFINITY) : end(fleet, worker, now, policy);
    case 'awake':
      return back(fleet, worker, now, false);
  }
}

/** A sign of life. Whether it is that of a worker whose call was ended. */
export function heard(fleet: Fleet, id: number, now: Instant, policy: Policy): Decision & { readonly freed: boolean } {
  const worker = find(fleet, id);
  if (!worker) return { ...nothing(fleet), freed: false };
  const { stuck } = worker.vitals;
  if (!stuck) {
    // A beat that was on its way does not end an excuse.
    const heardAt = worker.phase === 'booting' ? now : Math.max(now, worker.vitals.heardAt);
    return { ...nothing(withVitals(fleet, id, { heardAt, stuck: undefined })), freed: false };
  }
  // Once it was seen it stood still until its call was ended, whichever of the two words comes first.
  const freed = stuck.step === 'terminated' || (stuck.step === 'seen' && policy.health.onHang === 'free');
  return { ...back(fleet, worker, now, freed), freed };
}

function back(fleet: Fleet, { id }: Worker, now: Instant, guilty: boolean): Decision {
  const freed: Effect = { type: 'freed', id, guilty };
  return { fleet: withVitals(fleet, id, { heardAt: now, stuck: undefined }), effects: [freed] };
}

/** A worker that somebody looks into stands still for a good reason. One that is stuck already is not excused. */
export function excused(fleet: Fleet, { id, forMs }: Extract<Event, { type: 'excused' }>, now: Instant): Fleet {
  const worker = find(fleet, id);
  if (!worker || !isHeardOf(worker) || worker.vitals.stuck) return fleet;
  return withVitals(fleet, id, { heardAt: now + forMs, stuck: undefined });
}

/** It fails like one that has died: its successor starts at once. */
function end(fleet: Fleet, worker: Worker, now: Instant, policy: Policy): Decision {
  const counted = failed(fleet, worker, now, policy);
  const killed = move(
    counted,
    ({ id }) => (id === worker.id ? ({ phase: 'killing', because: 'stalled' } as const) : undefined),
    ({ id, because }) => ({ type: 'kill', id, because }),
  );
  if (!isHopeless(killed.fleet, worker)) return killed;
  return followed(killed, abandon(killed.fleet, worker.generation, { type: 'silent' }, now, policy));
}

/** The supervisor itself was stopped, suspended or too busy: nobody can be blamed for what it did not hear, or did not see in time. */
export function overslept(fleet: Fleet, byMs: number, now: Instant, { health }: Policy): Fleet {
  const least = now - health.hangMs + BEATS_MORE * health.beatMs;
  return {
    ...fleet,
    workers: fleet.workers.map((worker) => {
      const { heardAt, stuck } = worker.vitals;
      const vitals: Vitals = {
        heardAt: Math.max(heardAt, least),
        stuck: stuck && { ...stuck, until: stuck.until + byMs },
      };
      return 'until' in worker ? { ...worker, vitals, until: worker.until + byMs } : { ...worker, vitals };
    }),
  };
}

/** The next silence that would be too long. */
export const silenceAt = ({ workers }: Fleet, policy: Policy): Instant =>
  Math.min(...workers.filter(isHeardOf).map((worker) => silentAt(worker, policy)));

/** A limit that a worker has come to, in the words of its key. */
export interface Reached {
  readonly limit: 'memory' | 'heap' | 'requests' | 'lifetime';
  readonly is: number;
  /** With the jitter taken off. */
  readonly most: number;
}

type Beat = Extract<Event, { type: 'beat' }>;

/** The first limit that it has come to. Jitter makes limits tighter, never wider, by a share that a worker keeps for its life. */
export function reached(worker: Worker, beat: Beat, now: Instant, { limits }: Policy): Reached | undefined {
  if (worker.phase !== 'ready') return undefined;
  const tighter = 1 - limits.jitter * fraction(worker.id);
  const of = (key: Reached['limit'], is: number, most: number | undefined): Reached[] =>
    most !== undefined && is >= most * tighter ? [{ limit: key, is, most: most * tighter }] : [];
  return [
    ...of('memory', beat.rss ?? 0, limits.memory),
    ...of('heap', beat.heapShare ?? 0, limits.heap),
    ...of('requests', beat.served, limits.requests),
    ...of('lifetime', now - worker.since, limits.lifetimeMs),
  ][0];
}

/**
 * Replace before you retire, a few at a time. It costs a restart, and no more than half of what the intensity lets through goes to
 * such: a limit that every worker comes to at once must not wear the fleet out, nor call it degraded.
 */
export function limit(fleet: Fleet, beat: Beat, now: Instant, policy: Policy): Decision {
  const worker = find(fleet, beat.id);
  if (!worker || fleet.goal !== 'serve') return nothing(fleet);
  if (worker.phase === 'draining') return swollen(fleet, worker, beat, policy);
  const met = reached(worker, beat, now, policy);
  if (met === undefined || worker.phase !== 'ready' || fleet.reload !== undefined) return nothing(fleet);
  const underWay = fleet.workers.filter((one) => one.phase === 'tainted' && one.because === 'recycle').length;
  if (underWay >= policy.limits.surge || calmAt(fleet.restarts, policy) > now) return nothing(fleet);
  return {
    fleet: change(fleet, worker.id, () => ({ phase: 'tainted', since: worker.since, because: 'recycle' })),
    effects: [{ type: 'recycle', id: worker.id, reached: met }],
  };
}

function swollen(fleet: Fleet, worker: Worker, { rss = 0 }: Beat, { limits }: Policy): Decision {
  if (limits.memory === undefined || rss < limits.memory * TOO_MUCH) return nothing(fleet);
  return move(
    fleet,
    (one) =>
      one.id === worker.id && one.phase === 'draining' ? { phase: 'killing', because: one.because } : undefined,
    ({ id, because }) => ({ type: 'kill', id, because }),
  );
}
