// The heart: facts in, orders out, no I/O. `record` writes down what happened; `reconcile` closes the gap between what is and
// what should be, whichever fact opened it. Deadlines are data in the state and vanish with it; `nextDeadline` is what the shell
// sleeps to.
import type { Cause } from '../worker/protocol.js';
import type { Effect } from './effect.js';
import type { Event } from './event.js';
import { backoff, budgetAt, hasBudget, recent } from './restart.js';
import {
  type Fleet,
  type Instant,
  isLive,
  isServing,
  type Phase,
  type Policy,
  type Slot,
  type Worker,
} from './state.js';

export interface Decision {
  readonly fleet: Fleet;
  readonly effects: readonly Effect[];
}

/** So many failures in a row in one slot are no accident. */
const DEGRADED_AT = 3;

export function decide(fleet: Fleet, event: Event, now: Instant, policy: Policy): Decision {
  const recorded = record({ ...fleet, restarts: recent(fleet.restarts, now, policy) }, event, now, policy);
  const steps = recorded.fleet.goal === 'serve' ? [expire, relieve, fill, judge] : [expire, wind, conclude];
  return steps.reduce((decision, step) => then(decision, step(decision.fleet, now, policy)), recorded);
}

const nothing = (fleet: Fleet): Decision => ({ fleet, effects: [] });
const then = (before: Decision, after: Decision): Decision => ({
  ...after,
  effects: [...before.effects, ...after.effects],
});

function record(fleet: Fleet, event: Event, now: Instant, policy: Policy): Decision {
  switch (event.type) {
    case 'ready':
      return nothing(
        change(fleet, event.id, (worker) => (worker.phase === 'booting' ? { phase: 'ready', since: now } : worker)),
      );
    case 'faulted':
      return faulted(fleet, event.id, now, policy);
    case 'draining':
      return nothing(leaving(fleet, event.id, event.because, now, policy));
    case 'exited':
      return nothing(exited(fleet, event.id, now, policy));
    case 'stop-asked':
      return nothing(fleet.goal === 'serve' ? { ...fleet, goal: 'stop' } : fleet);
    case 'halt-asked':
      return nothing(fleet.goal === 'done' ? fleet : { ...fleet, goal: 'halt' });
    case 'time-passed':
      return nothing(fleet);
  }
}

/** A faulty worker goes at once where it can be spared; where it cannot, it serves on until its successor is ready. */
function faulted(fleet: Fleet, id: number, now: Instant, policy: Policy): Decision {
  const worker = fleet.workers.find((one) => one.id === id);
  if (worker?.phase !== 'ready') return nothing(fleet);
  const spared = fleet.workers.some((other) => other.phase === 'ready' && other.id !== id);
  if (fleet.goal !== 'serve' || !spared || !hasBudget(fleet.restarts, now, policy))
    return nothing(change(fleet, id, () => ({ phase: 'tainted', since: worker.since })));
  return retire(restarted(fleet, now), (one) => one.id === id, 'fault', policy.killTimeoutMs, now, policy);
}

function leaving(fleet: Fleet, id: number, because: Cause, now: Instant, policy: Policy): Fleet {
  const worker = fleet.workers.find((one) => one.id === id);
  if (!worker || !isLive(worker)) return fleet;
  const left = change(fleet, id, drained(because, policy.killTimeoutMs, now, policy));
  // A program that leaves again and again is slowed down like one that crashes; one that leaves now and then is not.
  const often = worker.phase === 'booting' || !hasBudget(fleet.restarts, now, policy);
  return restarted(often ? failed(left, worker, now, policy) : left, now);
}

function exited(fleet: Fleet, id: number, now: Instant, policy: Policy): Fleet {
  const worker = fleet.workers.find((one) => one.id === id);
  if (!worker) return fleet;
  const reaped = { ...fleet, workers: fleet.workers.filter((other) => other.id !== id) };
  const asWished = worker.phase === 'draining' || (worker.phase === 'killing' && worker.because !== 'stalled');
  return asWished ? reaped : restarted(failed(reaped, worker, now, policy), now);
}

function failed(fleet: Fleet, worker: Worker, now: Instant, policy: Policy): Fleet {
  const stood = isServing(worker) && 'since' in worker && now - worker.since >= policy.backoff.maxMs;
  const slots = fleet.slots.map((slot, index): Slot => {
    if (index !== worker.slot) return slot;
    const failures = (stood ? 0 : slot.failures) + 1;
    return { failures, vacantUntil: now + backoff(failures, worker.id, policy.backoff) };
  });
  return { ...fleet, slots };
}

const restarted = (fleet: Fleet, now: Instant): Fleet => ({ ...fleet, restarts: [...fleet.restarts, now] });

/** The first cause wins: a worker already on its way out keeps its reason and its kill timer. */
const drained =
  (because: Cause, timeoutMs: number, now: Instant, { graceMs }: Policy) =>
  (worker: Worker): Phase =>
    isLive(worker) ? { phase: 'draining', because, until: now + timeoutMs + graceMs } : worker;

const change = (fleet: Fleet, id: number, to: (worker: Worker) => Phase): Fleet => ({
  ...fleet,
  workers: fleet.workers.map((worker) => (worker.id === id ? seated(worker, to(worker)) : worker)),
});

const seated = ({ id, slot, generation }: Worker, phase: Phase): Worker => ({ ...phase, id, slot, generation });

type Step = (fleet: Fleet, now: Instant, policy: Policy) => Decision;

/** Puts each worker where `to` says, and gives the order that goes with it. */
function move(fleet: Fleet, to: (worker: Worker) => Phase | undefined, order: (worker: Worker) => Effect): Decision {
  const effects: Effect[] = [];
  const workers = fleet.workers.map((worker) => {
    const phase = to(worker);
    if (phase === undefined) return worker;
    const moved = seated(worker, phase);
    effects.push(order(moved));
    return moved;
  });
  return { fleet: effects.length > 0 ? { ...fleet, workers } : fleet, effects };
}

/** Silence is failure: a worker that did not get ready in time, or did not leave in time, is killed. */
const expire: Step = (fleet, now) =>
  move(
    fleet,
    (worker) => {
      if (worker.phase === 'booting' && now >= worker.until) return { phase: 'killing', because: 'stalled' };
      if (worker.phase === 'draining' && now >= worker.until) return { phase: 'killing', because: worker.because };
      return undefined;
    },
    ({ id, ...worker }) => ({ type: 'kill', id, because: worker.phase === 'killing' ? worker.because : 'stalled' }),
  );

/** Tells workers to drain. */
const retire = (
  fleet: Fleet,
  who: (worker: Worker) => boolean,
  because: Cause,
  killTimeoutMs: number,
  now: Instant,
  policy: Policy,
): Decision =>
  move(
    fleet,
    (worker) => (who(worker) ? drained(because, killTimeoutMs, now, policy)(worker) : undefined),
    ({ id }) => ({ type: 'drain', id, because, killTimeoutMs }),
  );

/** Replace before you retire: a tainted worker goes when its successor is ready. */
const relieve: Step = (fleet, now, policy) =>
  retire(
    fleet,
    (worker) => worker.phase === 'tainted' && hasReady(fleet, worker.slot),
    'fault',
    policy.killTimeoutMs,
    now,
    policy,
  );

const hasReady = (fleet: Fleet, slot: number): boolean =>
  fleet.workers.some((worker) => worker.slot === slot && worker.phase === 'ready');

/** Every slot has a worker that serves, or one that will. */
const fill: Step = (fleet, now, policy) => {
  let filled = fleet;
  const effects: Effect[] = [];
  for (const slot of fleet.slots.keys()) {
    const start = startsAt(filled, slot, policy);
    if (start === undefined || start > now) continue;
    const { nextId: id, generation } = filled;
    const replacesTainted = filled.workers.some((worker) => worker.slot === slot && worker.phase === 'tainted');
    const seat = { id, slot, generation };
    effects.push({ type: 'spawn', ...seat });
    filled = {
      ...filled,
      nextId: id + 1,
      workers: [...filled.workers, { ...seat, phase: 'booting', until: now + policy.readyTimeoutMs }],
    };
    if (replacesTainted) filled = restarted(filled, now);
  }
  return { fleet: filled, effects };
};

/** When a worker should start in this slot; undefined where none is wanted. A vacant slot waits out its backoff, a tainted worker's successor the restart intensity as well. */
function startsAt(fleet: Fleet, index: number, policy: Policy): Instant | undefined {
  const here = fleet.workers.filter((worker) => worker.slot === index);
  if (here.some((worker) => worker.phase === 'booting' || worker.phase === 'ready')) return undefined;
  const vacantUntil = fleet.slots[index]?.vacantUntil ?? Number.NEGATIVE_INFINITY;
  const tainted = here.some((worker) => worker.phase === 'tainted');
  return tainted ? Math.max(vacantUntil, budgetAt(fleet.restarts, policy)) : vacantUntil;
}

/** Said when it begins, and unsaid only when it has been over for a while: a fleet that flaps is not well. */
const judge: Step = (fleet, now, policy) => {
  const failing =
    !hasBudget(fleet.restarts, now, policy) ||
    fleet.slots.some(({ failures }, slot) => failures >= DEGRADED_AT && !hasReady(fleet, slot));
  const degraded = fleet.degraded ? now < recoversAt(fleet, policy) : failing;
  return nothing(degraded === fleet.degraded ? fleet : { ...fleet, degraded });
};

/** When a degraded fleet will be whole again, if nothing else happens. */
function recoversAt(fleet: Fleet, policy: Policy): Instant {
  const since = fleet.slots.map((_, slot) => {
    const worker = fleet.workers.find((one) => one.slot === slot && one.phase === 'ready');
    return worker?.phase === 'ready' ? worker.since : Number.POSITIVE_INFINITY;
  });
  return Math.max(budgetAt(fleet.restarts, policy), Math.max(...since) + policy.backoff.maxMs);
}

/** Towards nobody: gently for a stop, at once for a halt. */
const wind: Step = (fleet, now, policy) =>
  fleet.goal === 'halt'
    ? move(
        fleet,
        (worker) => (worker.phase === 'killing' ? undefined : { phase: 'killing', because: 'stop' }),
        ({ id }) => ({ type: 'kill', id, because: 'stop' }),
      )
    : retire(fleet, isLive, 'stop', policy.stopTimeoutMs, now, policy);

const conclude: Step = (fleet) =>
  fleet.workers.length === 0 && fleet.goal !== 'done'
    ? { fleet: { ...fleet, goal: 'done' }, effects: [{ type: 'finish' }] }
    : nothing(fleet);

/** The next moment at which something is due; undefined while only a fact can change anything. */
export function nextDeadline(fleet: Fleet, policy: Policy): Instant | undefined {
  const due: Instant[] = [];
  for (const worker of fleet.workers) if ('until' in worker) due.push(worker.until);
  if (fleet.goal === 'serve') {
    for (const slot of fleet.slots.keys()) {
      const start = startsAt(fleet, slot, policy);
      if (start !== undefined) due.push(start);
    }
    if (fleet.degraded) due.push(recoversAt(fleet, policy));
  }
  const next = Math.min(...due);
  return Number.isFinite(next) ? next : undefined;
}
