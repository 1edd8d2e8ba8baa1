// What the parts of the machine share: a fleet with the orders that came of it, and how a worker is put into another phase.
import type { Cause } from '../worker/protocol.js';
import type { Effect } from './effect.js';
import { backoff } from './restart.js';
import type { Fleet, Instant, Phase, Policy, Slot, Worker } from './state.js';

export interface Decision {
  readonly fleet: Fleet;
  readonly effects: readonly Effect[];
}
export type Step = (fleet: Fleet, now: Instant, policy: Policy) => Decision;

export const nothing = (fleet: Fleet): Decision => ({ fleet, effects: [] });
export const followed = (before: Decision, after: Decision): Decision => ({
  ...after,
  effects: [...before.effects, ...after.effects],
});

export const change = (fleet: Fleet, id: number, to: (worker: Worker) => Phase): Fleet => ({
  ...fleet,
  workers: fleet.workers.map((worker) => (worker.id === id ? seated(worker, to(worker)) : worker)),
});

const seated = ({ id, slot, generation, addresses, count, vitals }: Worker, phase: Phase): Worker => ({
  ...phase,
  id,
  slot,
  generation,
  addresses,
  count,
  vitals,
});

/** Puts each worker where `to` says, and gives the order that goes with it. */
export function move<P extends Phase>(
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

export const drained = (
  because: Cause,
  now: Instant,
  { killTimeoutMs, graceMs }: Policy,
): Extract<Phase, { phase: 'draining' }> => ({ phase: 'draining', because, until: now + killTimeoutMs + graceMs });

/** Tells workers to drain, each for the reason that `why` gives; undefined leaves it alone. */
export const retire = (
  fleet: Fleet,
  why: (worker: Worker) => Cause | undefined,
  now: Instant,
  policy: Policy,
): Decision =>
  move(
    fleet,
    (worker) => {
      const because = why(worker);
      return because && drained(because, now, policy);
    },
    ({ id, because }) => ({ type: 'drain', id, because, killTimeoutMs: policy.killTimeoutMs }),
  );

/** So many failures in a row in one slot are no accident. */
export const DEGRADED_AT = 3;

/** A canary has one life; in a slot that is renewed already, one death is an accident. */
export const isHopeless = (fleet: Fleet, { slot }: Worker): boolean =>
  fleet.reload?.stage.at === 'baking' || (fleet.slots[slot]?.failures ?? 0) >= DEGRADED_AT;

/** One more in its slot's row of failures: the next one waits out a backoff. What a reload only tries does not count. */
export const failed = (fleet: Fleet, worker: Worker, now: Instant, policy: Policy): Fleet => ({
  ...fleet,
  slots: fleet.slots.map((slot, index): Slot => {
    if (index !== worker.slot || slot.generation !== worker.generation) return slot;
    const failures = slot.failures + 1;
    return {
      ...slot,
      failures,
      stillborn: worker.phase === 'booting',
      vacantUntil: now + backoff(failures, worker.id, policy.backoff),
    };
  }),
});
