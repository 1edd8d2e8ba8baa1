// Pure: writes down what happened. What follows from it is decided by looking at the whole, not here.
import type { Event } from './event.js';
import { examined, excused, heard, limit, listen, overslept } from './health.js';
import { abandon, begin, promote, recall, supersede, weigh } from './reload.js';
import { hasBudget } from './restart.js';
import { emptySlot, type Fleet, find, healthy, type Instant, isLive, NONE, type Policy, type Worker } from './state.js';
import { change, type Decision, drained, failed, followed, isHopeless, nothing, retire } from './turn.js';

export function record(fleet: Fleet, event: Event, now: Instant, policy: Policy): Decision {
  switch (event.type) {
    case 'ready':
      return ready(fleet, event.id, now, policy);
    case 'binding':
      return nothing(binding(fleet, event.id));
    case 'listening':
      return nothing(listening(fleet, event));
    case 'faulted':
      return faulted(fleet, event.id, now, policy);
    case 'beat':
      return beaten(fleet, event, now, policy);
    case 'examined':
      return examined(fleet, event, now, policy);
    case 'excused':
      return nothing(excused(fleet, event, now));
    case 'overslept':
      return nothing(overslept(fleet, event.byMs, now, policy));
    case 'draining':
      return leaving(fleet, event, now, policy);
    case 'exited':
      return exited(fleet, event, now, policy);
    case 'reload-asked':
      return begin(fleet, event.generation, event.plan);
    case 'recall-asked':
      return recall(fleet, now, policy);
    case 'restart-asked':
      return restarted(fleet, event.generation, now, policy);
    case 'scale-asked':
      return nothing(scaled(fleet, event.size, event.standby));
    case 'recycle-asked':
      return recycled(fleet, event.id, now, policy);
    case 'stop-asked':
      return fleet.goal === 'serve' ? supersede({ ...fleet, goal: 'stop' }, { type: 'stopped' }) : nothing(fleet);
    case 'halt-asked':
      return fleet.goal === 'done' ? nothing(fleet) : supersede({ ...fleet, goal: 'halt' }, { type: 'stopped' });
    case 'time-passed':
      return fleet.goal === 'serve' ? listen(fleet, now, policy) : nothing(fleet);
  }
}

/** It lives; what it has answered counts, and it may have come to a limit. One whose call was ended has failed a request. */
function beaten(fleet: Fleet, beat: Extract<Event, { type: 'beat' }>, now: Instant, policy: Policy): Decision {
  const alive = heard(fleet, beat.id, now, policy);
  const weighed = followed(alive, weigh(alive.fleet, beat, now));
  const judged = alive.freed ? faulted(weighed.fleet, beat.id, now, policy) : limit(weighed.fleet, beat, now, policy);
  return followed(weighed, judged);
}

/** One that was held stands by: whether it is needed is seen by looking at the whole. */
export function ready(fleet: Fleet, id: number, now: Instant, policy: Policy): Decision {
  const worker = find(fleet, id);
  if (worker?.phase !== 'booting') return nothing(fleet);
  const { fleet: known } = heard(fleet, id, now, policy);
  const grown = change(known, id, () => ({ phase: worker.held ? 'standby' : 'ready', since: now }));
  const placed = promote(grown, worker, now);
  return worker.faulty ? faulted(placed, id, now, policy) : nothing(placed);
}

function binding(fleet: Fleet, id: number): Fleet {
  const worker = find(fleet, id);
  return worker?.phase === 'booting' ? change(fleet, id, () => ({ ...worker, binds: true })) : fleet;
}

function listening(fleet: Fleet, { id, addresses, suffices }: Extract<Event, { type: 'listening' }>): Fleet {
  const worker = find(fleet, id);
  if (!worker) return fleet;
  const told = worker.phase === 'booting' && suffices ? { ...worker, listens: true } : worker;
  return { ...fleet, workers: fleet.workers.map((one) => (one === worker ? { ...told, addresses } : one)) };
}

/** A faulty worker goes at once where it can be spared; where it cannot, it serves on until its successor is ready. */
function faulted(fleet: Fleet, id: number, now: Instant, policy: Policy): Decision {
  const worker = find(fleet, id);
  // A worker tells of its first error only: one that was met while it boots must not be forgotten.
  if (worker?.phase === 'booting') return nothing(change(fleet, id, () => ({ ...worker, faulty: true })));
  if (worker?.phase === 'standby') {
    if (healthy(fleet) >= fleet.size) return retire(fleet, (one) => (one.id === id ? 'fault' : undefined), now, policy);
    // A faulty worker that serves is better than none.
    const called = change(fleet, id, () => ({ phase: 'tainted', since: worker.since, because: 'fault' }));
    return { fleet: called, effects: [{ type: 'serve', id }] };
  }
  if (worker?.phase !== 'ready') return nothing(fleet);
  const blamed = blame(fleet, worker);
  const spared = fleet.workers.some(
    (other) => (other.phase === 'ready' || other.phase === 'standby') && other.id !== id,
  );
  if (!spared || !hasBudget(fleet.restarts, now, policy))
    return nothing(change(blamed, id, () => ({ phase: 'tainted', since: worker.since, because: 'fault' })));
  return retire(blamed, (one) => (one.id === id ? 'fault' : undefined), now, policy);
}

/** Counted against a new generation that is being watched. */
function blame(fleet: Fleet, { generation }: Worker): Fleet {
  const { reload } = fleet;
  if (reload?.stage.at !== 'baking' || reload.generation !== generation) return fleet;
  return { ...fleet, reload: { ...reload, stage: { ...reload.stage, faults: reload.stage.faults + 1 } } };
}

/** The first cause wins: a worker already on its way out keeps its reason and its kill timer. */
function leaving(
  fleet: Fleet,
  { id, because }: Extract<Event, { type: 'draining' }>,
  now: Instant,
  policy: Policy,
): Decision {
  const worker = find(fleet, id);
  if (!worker || !isLive(worker)) return nothing(fleet);
  const left = change(fleet, id, () => drained(because, now, policy));
  // A program that leaves again and again is slowed down like one that crashes; one that leaves now and then is not.
  const often = worker.phase === 'booting' || !hasBudget(fleet.restarts, now, policy);
  const counted = often ? failed(left, worker, now, policy) : left;
  return worker.phase === 'booting'
    ? abandon(counted, worker.generation, { type: 'left', worker: id }, now, policy)
    : nothing(counted);
}

/** Whoever was on its way out has been accounted for when it was sent there. */
function exited(
  fleet: Fleet,
  { id, code, signal }: Extract<Event, { type: 'exited' }>,
  now: Instant,
  policy: Policy,
): Decision {
  const worker = find(fleet, id);
  if (!worker) return nothing(fleet);
  const reaped = { ...fleet, workers: fleet.workers.filter((other) => other.id !== id) };
  if (!isLive(worker)) return nothing(reaped);
  const counted = failed(reaped, worker, now, policy);
  const type = worker.phase === 'booting' ? 'died' : 'crashed';
  if (type === 'crashed' && !isHopeless(counted, worker)) return nothing(counted);
  return abandon(counted, worker.generation, { type, worker: id, code, signal }, now, policy);
}

function restarted(fleet: Fleet, generation: number, now: Instant, policy: Policy): Decision {
  if (fleet.goal !== 'serve') return nothing(fleet);
  const anew = supersede(fleet, { type: 'superseded', by: generation });
  const slots = fleet.slots.map(() => emptySlot(generation));
  const all = retire(
    { ...anew.fleet, generation, count: NONE, slots },
    (one) => (isLive(one) ? 'restart' : undefined),
    now,
    policy,
  );
  return followed(anew, all);
}

/** The highest slots are given up, and come last. */
function scaled(fleet: Fleet, size: number, standby: number): Fleet {
  if (fleet.goal !== 'serve') return fleet;
  const wanted = Math.max(1, size) + standby;
  const slots = Array.from({ length: wanted }, (_, slot) => fleet.slots[slot] ?? emptySlot(fleet.generation));
  const { reload } = fleet;
  const trying = reload?.trying.filter((slot) => slot < wanted) ?? [];
  return { ...fleet, size: Math.max(1, size), slots, reload: reload && { ...reload, trying } };
}

/** Replaced like a faulty one, but no restart: it was asked for. */
function recycled(fleet: Fleet, id: number, now: Instant, policy: Policy): Decision {
  const worker = find(fleet, id);
  if (fleet.goal !== 'serve' || (worker?.phase !== 'ready' && worker?.phase !== 'standby')) return nothing(fleet);
  const slots = fleet.slots.map((slot, index) => (index === worker.slot ? { ...slot, used: false } : slot));
  const asked = { ...fleet, slots };
  if (worker.phase === 'standby') return retire(asked, (one) => (one.id === id ? 'recycle' : undefined), now, policy);
  return nothing(change(asked, id, () => ({ phase: 'tainted', since: worker.since, because: 'recycle' })));
}
