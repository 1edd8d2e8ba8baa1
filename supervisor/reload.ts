// Pure: a phased reload. A worker of the new generation boots beside its slot's incumbent; when it is ready the slot is the new
// generation's, and the incumbent is relieved like any other worker that is to go. The first that does not get ready ends it all.
import { isWorse } from './canary.js';
import type { Event } from './event.js';
import type { Failure, Plan, Reload, Stage } from './reload-state.js';
import {
  type Count,
  emptySlot,
  type Fleet,
  find,
  type Instant,
  isServing,
  NONE,
  type Policy,
  type Worker,
} from './state.js';
import { type Decision, followed, nothing, retire, type Step } from './turn.js';

/** An event loop that sends no beat for so long stands still. */
const SILENT_MS = 10_000;
/** So late a beat, so often in a row, while the old generation's come in time. */
const LATE_MS = 1000;
const LATE_BEATS = 3;
/** So many answers are enough to tell. */
const ENOUGH = 20;
/** So many errors that nobody caught, where the old generation has none, are no accident. */
const FAULTS = 3;

export function begin(fleet: Fleet, generation: number, plan: Plan): Decision {
  if (fleet.goal !== 'serve') return nothing(fleet);
  const { fleet: free, effects } = supersede(fleet, { type: 'superseded', by: generation });
  const stage: Stage = { at: plan.canary ? 'canary' : 'rolling' };
  return { fleet: { ...free, reload: { generation, plan, stage, trying: [] } }, effects };
}

/** What was tried is given up; slots that are renewed stay so, for whoever comes next to decide. */
export function supersede(fleet: Fleet, failure: Failure): Decision {
  const { reload } = fleet;
  if (!reload) return nothing(fleet);
  return {
    fleet: { ...fleet, reload: undefined },
    effects: [{ type: 'reloaded', generation: reload.generation, failure }],
  };
}

/** The new generation is no good: its slots go back to the old one, whose workers are there still, or are started again. */
export function abandon(fleet: Fleet, generation: number, failure: Failure, now: Instant, policy: Policy): Decision {
  const { reload } = fleet;
  if (reload?.generation !== generation || fleet.goal !== 'serve') return nothing(fleet);
  const { fleet: free, effects } = supersede(fleet, failure);
  const slots = free.slots.map((slot) =>
    reload.plan.rollback && slot.generation !== free.generation ? emptySlot(free.generation) : slot,
  );
  const back = { ...free, slots };
  // A bad canary serves nobody any more, if it can be spared; those that only came too early go when they are replaced.
  const spared = fleet.workers.some((other) => other.phase === 'ready' && other.generation !== generation);
  if (reload.stage.at !== 'baking' || !spared || !reload.plan.rollback) return { fleet: back, effects };
  const isBad = (one: Worker): boolean => isServing(one) && one.generation === generation;
  return followed(
    { fleet: back, effects },
    retire(back, (one) => (isBad(one) ? 'rollback' : undefined), now, policy),
  );
}

/** Whatever its plan says of failures: the old generation is wanted back. */
export function recall(fleet: Fleet, now: Instant, policy: Policy): Decision {
  const { reload } = fleet;
  if (!reload) return nothing(fleet);
  const willing = { ...fleet, reload: { ...reload, plan: { ...reload.plan, rollback: true } } };
  return abandon(willing, reload.generation, { type: 'recalled' }, now, policy);
}

/** A worker that was tried is ready: the slot is its generation's. */
export function promote(fleet: Fleet, { slot, generation }: Worker, now: Instant): Fleet {
  const { reload } = fleet;
  if (reload?.generation !== generation || !reload.trying.includes(slot)) return fleet;
  const slots = fleet.slots.map((one, index) => (index === slot ? { ...emptySlot(generation), used: true } : one));
  const trying = reload.trying.filter((other) => other !== slot);
  return { ...fleet, slots, reload: { ...reload, trying, stage: watched(reload, now) } };
}

const watched = ({ stage, plan }: Reload, now: Instant): Stage =>
  stage.at === 'canary' && plan.canary
    ? {
        at: 'baking',
        until: now + plan.canary.bakeMs,
        silentAt: now + SILENT_MS,
        fresh: NONE,
        stale: NONE,
        open: 0,
        faults: 0,
        late: 0,
      }
    : stage;

/** Goes on to the next slots, as many at a time as wished for, while those that were renewed serve; ends when all have been. */
export const roll: Step = (fleet, now, policy) => {
  const { reload } = fleet;
  if (!reload) return nothing(fleet);
  const { stage, generation } = reload;
  if (stage.at === 'baking') return bake(fleet, reload, stage, now, policy);
  const renewed = [...fleet.slots.keys()].filter((slot) => fleet.slots[slot]?.generation === generation);
  const steady = renewed.every((slot) => fleet.workers.some((one) => isUp(one) && isOf(one, slot, generation)));
  if (!steady) return nothing(fleet);
  if (renewed.length === fleet.slots.length) return concluded(fleet, reload);
  const room = (stage.at === 'canary' ? 1 : reload.plan.surge) - reload.trying.length;
  const next = [...fleet.slots.keys()].filter((slot) => !renewed.includes(slot) && !reload.trying.includes(slot));
  const trying = [...reload.trying, ...next.slice(0, Math.max(0, room))];
  return nothing(trying.length === reload.trying.length ? fleet : { ...fleet, reload: { ...reload, trying } });
};

const isUp = (worker: Worker): boolean => isServing(worker) || worker.phase === 'standby';
const isOf = (worker: Worker, slot: number, generation: number): boolean =>
  worker.slot === slot && worker.generation === generation;

const concluded = (fleet: Fleet, { generation }: Reload): Decision => ({
  fleet: { ...fleet, generation, count: NONE, reload: undefined },
  effects: [{ type: 'reloaded', generation, failure: undefined }],
});

type Baking = Extract<Stage, { at: 'baking' }>;

function bake(fleet: Fleet, reload: Reload, stage: Baking, now: Instant, policy: Policy): Decision {
  const failure = unfit(fleet, reload, stage, now);
  if (failure) return abandon(fleet, reload.generation, failure, now, policy);
  if (now < stage.until) return nothing(fleet);
  return roll({ ...fleet, reload: { ...reload, stage: { at: 'rolling' } } }, now, policy);
}

function unfit(fleet: Fleet, { plan, generation }: Reload, stage: Baking, now: Instant): Failure | undefined {
  const { fresh, stale, faults } = stage;
  const before = stale.served >= ENOUGH ? stale : fleet.count;
  if (isWorse(fresh, before, plan.canary?.maxErrorRatio ?? 1, ENOUGH)) return { type: 'errors', fresh, stale: before };
  if (faults >= FAULTS && before.failed === 0) return { type: 'faults', faults };
  if (now >= stage.until && fresh.served === 0 && stage.open > 0 && stale.served >= ENOUGH)
    return { type: 'mute', open: stage.open, stale };
  if (stage.late >= LATE_BEATS) return { type: 'late', lagMs: LATE_MS };
  return now >= silentUntil(fleet, generation, stage) ? { type: 'silent' } : undefined;
}

/** When a canary that sends no beat is given up; while none is ready there is nobody to be heard. */
function silentUntil(fleet: Fleet, generation: number, { silentAt }: Baking): Instant {
  const ready = fleet.workers.filter((one) => one.phase === 'ready' && one.generation === generation);
  return Math.max(
    silentAt,
    ...ready.map((one) => ('since' in one ? one.since : 0) + SILENT_MS),
    ready.length > 0 ? 0 : Infinity,
  );
}

/** When a bake is over, or given up. */
export function bakedAt({ reload, ...fleet }: Fleet): Instant | undefined {
  if (reload?.stage.at !== 'baking') return undefined;
  return Math.min(reload.stage.until, silentUntil({ ...fleet, reload }, reload.generation, reload.stage));
}

/** What a worker has answered since it last said, for its generation and for a comparison under way. */
export function weigh(fleet: Fleet, beat: Extract<Event, { type: 'beat' }>, now: Instant): Decision {
  const worker = find(fleet, beat.id);
  if (!worker) return nothing(fleet);
  const fresh: Count = { served: beat.served - worker.count.served, failed: beat.failed - worker.count.failed };
  const { reload } = fleet;
  const isNew = reload?.generation === worker.generation;
  // Nothing to write down: a fleet at rest stays the very same.
  if (fresh.served === 0 && reload === undefined) return nothing(fleet);
  const count = { served: beat.served, failed: beat.failed };
  const workers = fleet.workers.map((one) => (one === worker ? { ...one, count } : one));
  const counted = {
    ...fleet,
    workers,
    count: worker.generation === fleet.generation ? sum(fleet.count, fresh) : fleet.count,
  };
  if (reload?.stage.at !== 'baking') return nothing(counted);
  const { stage } = reload;
  const late = beat.lagMs >= LATE_MS;
  const heard: Baking = isNew
    ? {
        ...stage,
        fresh: sum(stage.fresh, fresh),
        open: beat.open ?? 0,
        silentAt: now + SILENT_MS,
        late: late ? stage.late + 1 : 0,
      }
    : { ...stage, stale: sum(stage.stale, fresh), late: late ? 0 : stage.late };
  return nothing({ ...counted, reload: { ...reload, stage: heard } });
}

const sum = (one: Count, other: Count): Count => ({
  served: one.served + other.served,
  failed: one.failed + other.failed,
});
