// Pure: the gap between what is and what should be, and what closes it: who may count as ready, who is called into service, who can
// be relieved, and who starts next.
import type { Cause } from '../worker/protocol.js';
import type { Effect } from './effect.js';
import { ready } from './record.js';
import { budgetAt, hasBudget, turnAt } from './restart.js';
import {
  type Fleet,
  healthy,
  type Instant,
  isCurrent,
  isHealthy,
  isLive,
  isServing,
  NONE,
  type Policy,
  UNHEARD,
  type Worker,
} from './state.js';
import { type Decision, followed, move, nothing, retire, type Step } from './turn.js';

/** A worker that listens is ready once it does so wherever the fleet's does: one that a reload tries must not give an address up. */
export const admit: Step = (fleet, now, policy) => {
  const admitted = fleet.workers.filter(
    (worker) => worker.phase === 'booting' && worker.listens && missing(fleet, worker).length === 0,
  );
  return admitted.reduce<Decision>((all, { id }) => followed(all, ready(all.fleet, id, now, policy)), nothing(fleet));
};

/** Where a worker of a new generation does not listen, though all do that serve in its slot's generation. */
export function missing(fleet: Fleet, worker: Worker): readonly string[] {
  if (fleet.reload?.generation !== worker.generation || isCurrent(fleet, worker)) return [];
  const incumbents = fleet.workers.filter((one) => isServing(one) && isCurrent(fleet, one));
  const [first, ...others] = incumbents;
  const common = first?.addresses.filter((address) => others.every(({ addresses }) => addresses.includes(address)));
  return common?.filter((address) => !worker.addresses.includes(address)) ?? [];
}

/** Who was told to serve before it listened is awaited so long while somebody stands by. */
const AWAITED_MS = 1000;

/**
 * Calls workers on standby into service, until there are enough; and whoever is about to listen, where nobody stands by: it need not
 * be held for a moment. Beyond the restart intensity a faulty worker counts as one.
 */
export const engage: Step = (fleet, now, policy) => {
  const places = vacancies(fleet, now, policy);
  const waiting = onStandby(fleet);
  const coming = fleet.workers.filter((one) => isComing(fleet, one)).length;
  const called = waiting.filter(
    ({ since }, index) => index < places - coming || (index < places && since + AWAITED_MS <= now),
  );
  const engaged = move(
    fleet,
    (worker) => (called.some(({ id }) => id === worker.id) ? { phase: 'ready', since: now } : undefined),
    ({ id }) => ({ type: 'serve', id }),
  );
  const binding = fleet.workers
    .filter((one) => one.phase === 'booting' && one.held && one.binds && !one.faulty && isCurrent(fleet, one))
    .slice(0, Math.max(0, places - coming - called.length));
  return followed(
    engaged,
    move(
      engaged.fleet,
      (worker) => (worker.phase === 'booting' && binding.includes(worker) ? { ...worker, held: false } : undefined),
      ({ id }) => ({ type: 'serve', id }),
    ),
  );
};

/** When somebody who stands by is called, whoever else may still come. A faulty worker serves meanwhile. */
export function engagesAt(fleet: Fleet): Instant {
  if (fleet.workers.some(({ phase }) => phase === 'tainted')) return Number.POSITIVE_INFINITY;
  const called = onStandby(fleet).slice(0, Math.max(0, fleet.size - healthy(fleet)));
  return Math.min(...called.map(({ since }) => since)) + AWAITED_MS;
}

/** Not held, and about to be ready. */
const isComing = (fleet: Fleet, worker: Worker): boolean =>
  worker.phase === 'booting' && !worker.held && !worker.faulty && isCurrent(fleet, worker);

/** In the order in which they are called: not first one that a reload is about to replace. */
const onStandby = (fleet: Fleet): Extract<Worker, { phase: 'standby' }>[] =>
  fleet.workers
    .filter((one) => one.phase === 'standby')
    .filter((one) => isCurrent(fleet, one))
    .toSorted((one, other) => other.generation - one.generation || one.id - other.id);

/** How many serve too few. */
function vacancies(fleet: Fleet, now: Instant, policy: Policy): number {
  const isKept = (one: Worker): boolean =>
    one.phase === 'tainted' &&
    one.because === 'fault' &&
    isCurrent(fleet, one) &&
    !isSucceeded(fleet, one) &&
    !isAwaited(fleet, one);
  const kept = hasBudget(fleet.restarts, now, policy) ? 0 : fleet.workers.filter(isKept).length;
  return Math.max(0, fleet.size - healthy(fleet) - kept);
}

/** Replace before you retire: whoever is not to stay goes when a successor serves, even one that is itself faulty by then. */
export const relieve: Step = (fleet, now, policy) => {
  // Nobody who serves can be put on standby again: whoever is too many goes.
  const many = fleet.workers.filter((one) => isHealthy(fleet, one)).slice(Math.max(1, fleet.size));
  let surplus = fleet.workers.filter(isServing).length - many.length - fleet.size;
  const relieved = retire(
    fleet,
    (worker) => {
      if (many.includes(worker)) return 'scale';
      if (worker.slot >= fleet.slots.length)
        return isLive(worker) && (!isServing(worker) || surplus-- > 0) ? 'scale' : undefined;
      const because = unwanted(fleet, worker);
      return because !== undefined && (!isServing(worker) || isRelieved(fleet, worker)) ? because : undefined;
    },
    now,
    policy,
  );
  if (many.length === 0) return relieved;
  const slots = relieved.fleet.slots.map((slot, index) =>
    many.some((one) => one.slot === index) ? { ...slot, used: false } : slot,
  );
  return { ...relieved, fleet: { ...relieved.fleet, slots } };
};

/** Why a worker is not to stay in its slot. */
function unwanted(fleet: Fleet, worker: Worker): Cause | undefined {
  if (!isLive(worker)) return undefined;
  if (!isCurrent(fleet, worker) && !isTried(fleet, worker)) {
    const { generation = 0 } = fleet.slots[worker.slot] ?? {};
    return worker.generation > generation && !fleet.reload ? 'rollback' : 'reload';
  }
  return worker.phase === 'tainted' ? worker.because : undefined;
}

const isTried = ({ reload }: Fleet, { slot, generation }: Worker): boolean =>
  reload?.generation === generation && reload.trying.includes(slot);

const isRelieved = (fleet: Fleet, worker: Worker): boolean =>
  healthy(fleet) >= fleet.size || isSucceeded(fleet, worker);

/** Its successor is there, and waits to be called. */
const isAwaited = (fleet: Fleet, { slot }: Worker): boolean =>
  fleet.workers.some((other) => other.slot === slot && other.phase === 'standby' && isCurrent(fleet, other));

const isSucceeded = (fleet: Fleet, worker: Worker): boolean =>
  fleet.workers.some(
    (other) =>
      other.slot === worker.slot &&
      isServing(other) &&
      isCurrent(fleet, other) &&
      (other.id > worker.id || isHealthy(fleet, other)),
  );

/** A worker that should start. */
interface Want {
  readonly slot: number;
  readonly generation: number;
  readonly at: Instant;
  /** It takes the place of one that went unasked. */
  readonly restart: boolean;
}

/** Every slot has a worker that serves, or one that will, and as many boot at the same time as may. */
export const fill: Step = (fleet, now, policy) => {
  let filled = fleet;
  const effects: Effect[] = [];
  const held = fleet.slots.length > fleet.size;
  for (let want = wants(filled, now, policy)[0]; want && want.at <= now; want = wants(filled, now, policy)[0]) {
    const { slot, generation } = want;
    const id = filled.nextId;
    effects.push({ type: 'spawn', id, slot, generation, held });
    const { readyTimeoutMs } = fleet.reload?.generation === generation ? fleet.reload.plan : policy;
    const worker: Worker = {
      id,
      slot,
      generation,
      addresses: [],
      count: NONE,
      vitals: UNHEARD,
      phase: 'booting',
      until: now + readyTimeoutMs,
      faulty: false,
      listens: false,
      held,
      binds: false,
    };
    filled = seatedIn(filled, worker, want.restart, now);
  }
  return { fleet: filled, effects };
};

const seatedIn = (fleet: Fleet, worker: Worker, restart: boolean, now: Instant): Fleet => ({
  ...fleet,
  nextId: worker.id + 1,
  workers: [...fleet.workers, worker],
  slots: fleet.slots.map((slot, index) =>
    index === worker.slot && isCurrent(fleet, worker) ? { ...slot, used: true } : slot,
  ),
  restarts: restart ? [...fleet.restarts, now] : fleet.restarts,
});

/** When the next worker should start; undefined while none is wanted, or none more may boot. */
export const startsAt = (fleet: Fleet, policy: Policy): Instant | undefined =>
  wants(fleet, Number.NEGATIVE_INFINITY, policy)[0]?.at;

/** Whoever is due comes first, and of those whoever has waited longest; a reload waits until every slot has been seen to. */
function wants(fleet: Fleet, now: Instant, policy: Policy): readonly Want[] {
  const booting = fleet.workers.filter(({ phase }) => phase === 'booting').length;
  if (booting >= policy.bootConcurrency) return [];
  const due = ({ at }: Want): number => Math.max(at, now);
  const vacant = [...fleet.slots.keys()]
    .flatMap((slot) => vacancy(fleet, slot, policy) ?? [])
    .toSorted((one, other) => due(one) - due(other) || oldest(fleet, one.slot) - oldest(fleet, other.slot));
  const tried = trials(fleet);
  const late = vacant.findIndex(({ at }) => at > now);
  return late === -1 ? [...vacant, ...tried] : [...vacant.slice(0, late), ...tried, ...vacant.slice(late)];
}

const oldest = (fleet: Fleet, slot: number): number => fleet.workers.find((worker) => worker.slot === slot)?.id ?? 0;

/** A vacant slot waits out its backoff, and its turn where none gets ready; a faulty worker's successor the restart intensity as well. */
function vacancy(fleet: Fleet, index: number, policy: Policy): Want | undefined {
  const slot = fleet.slots[index];
  const here = fleet.workers.filter((worker) => worker.slot === index && isLive(worker));
  if (!slot || here.some((worker) => isCurrent(fleet, worker) && worker.phase !== 'tainted')) return undefined;
  const faulty = here.some(
    (worker) => worker.phase === 'tainted' && worker.because === 'fault' && isCurrent(fleet, worker),
  );
  const at = faulty
    ? Math.max(slot.vacantUntil, budgetAt(fleet.restarts, policy))
    : Math.max(slot.vacantUntil, spareAt(fleet), turnAt(fleet, slot, policy));
  return { slot: index, generation: slot.generation, at, restart: slot.used || faulty };
}

/** To start a process holds the supervisor up, and its boot the machine: whoever has just been called into service goes first. */
const HEAD_START_MS = 100;

/** Where enough serve, whoever starts next is a standby, which can wait. */
function spareAt(fleet: Fleet): Instant {
  if (fleet.slots.length <= fleet.size || healthy(fleet) < fleet.size) return Number.NEGATIVE_INFINITY;
  const called = fleet.workers.map((one) => (one.phase === 'ready' ? one.since : Number.NEGATIVE_INFINITY));
  return Math.max(...called) + HEAD_START_MS;
}

function trials(fleet: Fleet): Want[] {
  const { reload } = fleet;
  if (!reload) return [];
  const isBooting = (slot: number): boolean =>
    fleet.workers.some((one) => one.slot === slot && one.generation === reload.generation && isLive(one));
  const at = Number.NEGATIVE_INFINITY;
  return reload.trying
    .filter((slot) => !isBooting(slot))
    .map((slot) => ({ slot, generation: reload.generation, at, restart: false }));
}
