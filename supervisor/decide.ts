// The heart: facts in, orders out, no I/O. `record` writes down what happened; `reconcile` closes the gap between what is and
// what should be, whichever fact opened it. Deadlines are data in the state and vanish with it; `nextDeadline` is what the shell
// sleeps to.
import type { Cause } from '../worker/protocol.js';
import type { Effect } from './effect.js';
import type { Event } from './event.js';
import { backoff, budgetAt, calmAt, hasBudget, recent } from './restart.js';
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
  const recorded = record(settled(fleet, now, policy), event, now, policy);
  const steps = recorded.fleet.goal === 'serve' ? [expire, relieve, fill, judge] : [expire, wind, conclude];
  return steps.reduce((decision, step) => then(decision, step(decision.fleet, now, policy)), recorded);
}

const nothing = (fleet: Fleet): Decision => ({ fleet, effects: [] });
const then = (before: Decision, after: Decision): Decision => ({
  ...after,
  effects: [...before.effects, ...after.effects],
});

/** What time alone has made true: old restarts are forgotten, and a worker that stood long enough has ended its slot's row of failures. */
const settled = (fleet: Fleet, now: Instant, policy: Policy): Fleet => ({
  ...fleet,
  restarts: recent(fleet.restarts, now, policy),
  slots: fleet.slots.map((slot, index) =>
    slot.failures > 0 && standsAt(fleet, index, policy) <= now ? { ...slot, failures: 0 } : slot,
  ),
});

function record(fleet: Fleet, event: Event, now: Instant, policy: Policy): Decision {
  switch (event.type) {
    case 'ready':
      return ready(fleet, event.id, now, policy);
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

function ready(fleet: Fleet, id: number, now: Instant, policy: Policy): Decision {
  const worker = fleet.workers.find((one) => one.id === id);
  if (worker?.phase !== 'booting') return nothing(fleet);
  const grown = change(fleet, id, () => ({ phase: 'ready', since: now }));
  return worker.faulty ? faulted(grown, id, now, policy) : nothing(grown);
}

/** A faulty worker goes at once where it can be spared; where it cannot, it serves on until its successor is ready. */
function faulted(fleet: Fleet, id: number, now: Instant, policy: Policy): Decision {
  const worker = fleet.workers.find((one) => one.id === id);
  // A worker tells of its first error only: one that was met while it boots must not be forgotten.
  if (worker?.phase === 'booting')
    return nothing(change(fleet, id, () => ({ phase: 'booting', until: worker.until, faulty: true })));
  if (worker?.phase !== 'ready') return nothing(fleet);
  const spared = fleet.workers.some((other) => other.phase === 'ready' && other.id !== id);
  if (!spared || !hasBudget(fleet.restarts, now, policy))
    return nothing(change(fleet, id, () => ({ phase: 'tainted', since: worker.since })));
  return retire(fleet, (one) => one.id === id, now, policy);
}

/** The first cause wins: a worker already on its way out keeps its reason and its kill timer. */
function leaving(fleet: Fleet, id: number, because: Cause, now: Instant, policy: Policy): Fleet {
  const worker = fleet.workers.find((one) => one.id === id);
  if (!worker || !isLive(worker)) return fleet;
  const left = change(fleet, id, () => drained(because, now, policy));
  // A program that leaves again and again is slowed down like one that crashes; one that leaves now and then is not.
  const often = worker.phase === 'booting' || !hasBudget(fleet.restarts, now, policy);
  return often ? failed(left, worker, now, policy) : left;
}

/** Whoever was on its way out has been accounted for when it was sent there. */
function exited(fleet: Fleet, id: number, now: Instant, policy: Policy): Fleet {
  const worker = fleet.workers.find((one) => one.id === id);
  if (!worker) return fleet;
  const reaped = { ...fleet, workers: fleet.workers.filter((other) => other.id !== id) };
  return isLive(worker) ? failed(reaped, worker, now, policy) : reaped;
}

/** One more in its slot's row of failures: the next one waits out a backoff. */
const failed = (fleet: Fleet, worker: Worker, now: Instant, policy: Policy): Fleet => ({
  ...fleet,
  slots: fleet.slots.map((slot, index): Slot => {
    if (index !== worker.slot) return slot;
    const failures = slot.failures + 1;
    return { ...slot, failures, vacantUntil: now + backoff(failures, worker.id, policy.backoff) };
  }),
});

const drained = (because: Cause, now: Instant, { killTimeoutMs, graceMs }: Policy): Phase => ({
  phase: 'draining',
  because,
  until: now + killTimeoutMs + graceMs,
});

const change = (fleet: Fleet, id: number, to: (worker: Worker) => Phase): Fleet => ({
  ...fleet,
  workers: fleet.workers.map((worker) => (worker.id === id ? seated(worker, to(worker)) : worker)),
});

const seated = ({ id, slot, generation }: Worker, phase: Phase): Worker => ({ ...phase, id, slot, generation });

type Step = (fleet: Fleet, now: Instant, policy: Policy) => Decision;

/** Puts each worker where `to` says, and gives the order that goes with it. */
function move<P extends Phase>(
  fleet: Fleet,
  to: (worker: Worker) => P | undefined,
  order: (moved: P & { readonly id: number }) => Effect,
): Decision {
  const effects: Effect[] = [];
  const workers = fleet.workers.map((worker) => {
    const phase = to(worker);
    if (phase === undefined) return worker;
    effects.push(order({ ...phase, id: worker.id }));
    return seated(worker, phase);
  });
  return { fleet: effects.length > 0 ? { ...fleet, workers } : fleet, effects };
}

/** Silence is failure: a worker that did not get ready in time, or did not leave in time, is killed. */
const expire: Step = (fleet, now, policy) => {
  const late = fleet.workers.filter((worker) => worker.phase === 'booting' && now >= worker.until);
  return move(
    late.reduce((failing, worker) => failed(failing, worker, now, policy), fleet),
    (worker) => {
      if (worker.phase === 'booting' && now >= worker.until) return { phase: 'killing', because: 'stalled' };
      if (worker.phase === 'draining' && now >= worker.until) return { phase: 'killing', because: worker.because };
      return undefined;
    },
    ({ id, because }) => ({ type: 'kill', id, because }),
  );
};

/** Tells faulty workers to drain. */
const retire = (fleet: Fleet, who: (worker: Worker) => boolean, now: Instant, policy: Policy): Decision =>
  move(
    fleet,
    (worker) => (who(worker) ? drained('fault', now, policy) : undefined),
    ({ id }) => ({ type: 'drain', id, because: 'fault', killTimeoutMs: policy.killTimeoutMs }),
  );

/** Replace before you retire: a tainted worker goes when its successor serves, even one that is itself faulty by then. */
const relieve: Step = (fleet, now, policy) =>
  retire(
    fleet,
    ({ phase, slot, id }) =>
      phase === 'tainted' && fleet.workers.some((other) => other.slot === slot && other.id > id && isServing(other)),
    now,
    policy,
  );

/** Every slot has a worker that serves, or one that will. Where restarts are short, whoever has waited longest comes first. */
const fill: Step = (fleet, now, policy) => {
  let filled = fleet;
  const effects: Effect[] = [];
  const slots = [...fleet.slots.keys()].toSorted((one, other) => oldest(fleet, one) - oldest(fleet, other));
  for (const slot of slots) {
    const start = startsAt(filled, slot, policy);
    if (start === undefined || start > now) continue;
    const seat = { id: filled.nextId, slot, generation: filled.generation };
    effects.push({ type: 'spawn', ...seat });
    filled = seatedIn(filled, { ...seat, phase: 'booting', until: now + policy.readyTimeoutMs, faulty: false }, now);
  }
  return { fleet: filled, effects };
};

const oldest = (fleet: Fleet, slot: number): number => fleet.workers.find((worker) => worker.slot === slot)?.id ?? 0;

/** The first worker of a slot is no restart; each further one is, whatever became of the one before. */
const seatedIn = (fleet: Fleet, worker: Worker, now: Instant): Fleet => ({
  ...fleet,
  nextId: worker.id + 1,
  workers: [...fleet.workers, worker],
  slots: fleet.slots.map((slot, index) => (index === worker.slot ? { ...slot, used: true } : slot)),
  restarts: fleet.slots[worker.slot]?.used ? [...fleet.restarts, now] : fleet.restarts,
});

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
    fleet.slots.some(({ failures }, slot) => failures >= DEGRADED_AT && readyIn(fleet, slot) === undefined);
  const degraded = fleet.degraded ? now < recoversAt(fleet, policy) : failing;
  return nothing(degraded === fleet.degraded ? fleet : { ...fleet, degraded });
};

/** When a degraded fleet will be well again, if nothing else happens: all slots ready, no row of failures, and restarts down to half. */
function recoversAt(fleet: Fleet, policy: Policy): Instant {
  const slots = fleet.slots.map(({ failures }, slot) =>
    failures < DEGRADED_AT && readyIn(fleet, slot) !== undefined
      ? Number.NEGATIVE_INFINITY
      : standsAt(fleet, slot, policy),
  );
  return Math.max(calmAt(fleet.restarts, policy), ...slots);
}

const readyIn = (fleet: Fleet, slot: number): Extract<Worker, { phase: 'ready' }> | undefined =>
  fleet.workers.find((worker) => worker.slot === slot && worker.phase === 'ready') as
    | Extract<Worker, { phase: 'ready' }>
    | undefined;

/** When this slot's worker will have been ready for so long that it ends a row of failures. */
const standsAt = (fleet: Fleet, slot: number, { backoff: { maxMs } }: Policy): Instant =>
  (readyIn(fleet, slot)?.since ?? Number.POSITIVE_INFINITY) + maxMs;

/** Towards nobody: at once for a halt, gently for a stop. What drains already keeps its cause, but holds up no stop for longer than a stop may take. */
const wind: Step = (fleet, now, policy) => {
  if (fleet.goal === 'halt')
    return move(
      fleet,
      (worker) => (worker.phase === 'killing' ? undefined : { phase: 'killing', because: 'stop' }),
      ({ id, because }) => ({ type: 'kill', id, because }),
    );
  const until = now + policy.stopTimeoutMs + policy.graceMs;
  return move(
    fleet,
    (worker) => {
      if (isLive(worker)) return { phase: 'draining', because: 'stop', until };
      const late = worker.phase === 'draining' && worker.until > until;
      return late ? { phase: 'draining', because: worker.because, until } : undefined;
    },
    ({ id, because }) => ({ type: 'drain', id, because, killTimeoutMs: policy.stopTimeoutMs }),
  );
};

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
