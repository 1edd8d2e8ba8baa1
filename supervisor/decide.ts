// The heart: facts in, orders out, no I/O. `record` writes down what happened; the steps after it close the gap between what is and
// what should be, whichever fact opened it. Deadlines are data in the state and vanish with it; `nextDeadline` is what the shell
// sleeps to.
import type { Effect } from './effect.js';
import type { Event } from './event.js';
import { admit, engage, engagesAt, fill, missing, relieve, startsAt } from './fill.js';
import { silenceAt } from './health.js';
import { record } from './record.js';
import { abandon, bakedAt, roll, supersede } from './reload.js';
import { calmAt, hasBudget, recent } from './restart.js';
import { type Fleet, type Instant, isLive, type Policy, type Worker } from './state.js';
import { DEGRADED_AT, type Decision, failed, followed, move, nothing, type Step } from './turn.js';

export function decide(fleet: Fleet, event: Event, now: Instant, policy: Policy): Decision {
  const recorded = surrender(record(settled(fleet, now, policy), event, now, policy), policy);
  const serving = recorded.fleet.goal === 'serve';
  const steps = serving ? [admit, expire, roll, engage, relieve, fill, judge] : [expire, wind, conclude];
  return steps.reduce((decision, step) => followed(decision, step(decision.fleet, now, policy)), recorded);
}

/** What time alone has made true: old restarts are forgotten, and a worker that stood long enough has ended its slot's row of failures. */
const settled = (fleet: Fleet, now: Instant, policy: Policy): Fleet => ({
  ...fleet,
  restarts: recent(fleet.restarts, now, policy),
  slots: fleet.slots.map((slot, index) =>
    slot.failures > 0 && standsAt(fleet, index, policy) <= now ? { ...slot, failures: 0 } : slot,
  ),
});

/** Silence is failure: a worker that did not get ready in time, or did not leave in time, is killed. */
const expire: Step = (fleet, now, policy) => {
  const late = fleet.workers.filter((worker) => worker.phase === 'booting' && now >= worker.until);
  const killed = move(
    late.reduce((failing, worker) => failed(failing, worker, now, policy), fleet),
    (worker) => {
      if (worker.phase === 'booting' && now >= worker.until) return { phase: 'killing', because: 'stalled' };
      if (worker.phase === 'draining' && now >= worker.until) return { phase: 'killing', because: worker.because };
      return undefined;
    },
    ({ id, because }) => ({ type: 'kill', id, because }),
  );
  return late.reduce((all, worker) => {
    const afterMs = (fleet.reload?.generation === worker.generation ? fleet.reload.plan : policy).readyTimeoutMs;
    const failure = { type: 'stalled', worker: worker.id, afterMs, missing: missing(fleet, worker) } as const;
    return followed(all, abandon(all.fleet, worker.generation, failure, now, policy));
  }, killed);
};

/** For those who have somebody above cordon that starts it again: what still serves leaves in order. */
function surrender(decision: Decision, { giveUpAt }: Policy): Decision {
  const { fleet } = decision;
  const failures = Math.min(...fleet.slots.map((slot) => slot.failures));
  if (giveUpAt === undefined || failures < giveUpAt || fleet.goal !== 'serve') return decision;
  const given: Effect = { type: 'give-up', failures };
  return followed(
    decision,
    followed({ fleet, effects: [given] }, supersede({ ...fleet, goal: 'stop' }, { type: 'stopped' })),
  );
}

/** Said when it begins, and unsaid only when it has been over for a while: a fleet that flaps is not well. */
const judge: Step = (fleet, now, policy) => {
  const failing =
    !hasBudget(fleet.restarts, now, policy) ||
    fleet.slots.some(({ failures }, slot) => failures >= DEGRADED_AT && standing(fleet, slot) === undefined);
  const degraded = fleet.degraded ? now < recoversAt(fleet, policy) : failing;
  return nothing(degraded === fleet.degraded ? fleet : { ...fleet, degraded });
};

/** When a degraded fleet will be well again, if nothing else happens: all slots ready, no row of failures, and restarts down to half. */
function recoversAt(fleet: Fleet, policy: Policy): Instant {
  const slots = fleet.slots.map(({ failures }, slot) =>
    failures < DEGRADED_AT && standing(fleet, slot) !== undefined
      ? Number.NEGATIVE_INFINITY
      : standsAt(fleet, slot, policy),
  );
  return Math.max(calmAt(fleet.restarts, policy), ...slots);
}

type Standing = Extract<Worker, { phase: 'ready' | 'standby' }>;
const standing = (fleet: Fleet, slot: number): Standing | undefined =>
  fleet.workers.find(
    (worker): worker is Standing => worker.slot === slot && (worker.phase === 'ready' || worker.phase === 'standby'),
  );

/** When this slot's worker will have been ready for so long that it ends a row of failures. */
const standsAt = (fleet: Fleet, slot: number, { backoff: { maxMs } }: Policy): Instant =>
  (standing(fleet, slot)?.since ?? Number.POSITIVE_INFINITY) + maxMs;

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
  const due: (Instant | undefined)[] = [];
  for (const worker of fleet.workers) if ('until' in worker) due.push(worker.until);
  if (fleet.goal === 'serve') {
    due.push(startsAt(fleet, policy), engagesAt(fleet), bakedAt(fleet), silenceAt(fleet, policy));
    if (fleet.degraded) due.push(recoversAt(fleet, policy));
  }
  const next = Math.min(...due.filter((at) => at !== undefined));
  return Number.isFinite(next) ? next : undefined;
}
