// Random histories of a small simulated world, and what must be true after every step of them. The seed is fixed; a failure
// prints it with the shortest history that fails.
import test from 'ava';
import fc from 'fast-check';
import { decide, nextDeadline } from '../../supervisor/decide.js';
import type { Effect } from '../../supervisor/effect.js';
import type { Event } from '../../supervisor/event.js';
import { turnAt } from '../../supervisor/restart.js';
import {
  emptyFleet,
  type Fleet,
  healthy as healthyIn,
  isHealthy,
  isLive,
  isServing,
  type Policy,
  type Worker,
} from '../../supervisor/state.js';
import { Supervisor } from '../../supervisor/supervisor.js';
import { FakeHost } from '../support/story.js';

const policy: Policy = {
  readyTimeoutMs: 10_000,
  killTimeoutMs: 30_000,
  stopTimeoutMs: 20_000,
  graceMs: 2000,
  backoff: { minMs: 100, maxMs: 8000, factor: 2, jitter: 0.2 },
  intensity: { restarts: 5, withinMs: 60_000 },
  bootConcurrency: 3,
  health: { beatMs: 1000, hangMs: 15_000, onHang: 'free' },
  limits: { memory: undefined, heap: undefined, requests: 400, lifetimeMs: undefined, jitter: 0.1, surge: 1 },
  giveUpAt: undefined,
};

/** What a process may do next; `who` picks it among those that are alive. */
type Step =
  | { readonly does: 'ready' | 'bind' | 'fault' | 'leave' | 'crash' | 'exit' | 'stale'; readonly who: number }
  /** What somebody asks for. */
  | { readonly does: 'reload' | 'canary' | 'recall' | 'restart' | 'scale' | 'recycle'; readonly who: number }
  | { readonly does: 'beats'; readonly failing: boolean; readonly lagMs: number }
  /** All that boot get ready, and all that were told to go are gone: the world is well. */
  | { readonly does: 'settle' }
  | { readonly does: 'wait'; readonly ms: number };

class World {
  readonly host = new FakeHost(0.1);
  readonly supervisor: Supervisor;
  readonly #alive = new Set<number>();
  readonly #gone: number[] = [];
  readonly #ids = new Set<number>();
  readonly #standby: number;
  readonly #served = new Map<number, number>();
  readonly #begun = new Set<number>();
  readonly #ended = new Set<number>();
  /** Who was held and never told to serve. */
  readonly #held = new Set<number>();
  #newest = 1;
  finishes = 0;
  problems: string[] = [];
  #before: Fleet;

  constructor(size: number, standby: number) {
    this.#standby = standby;
    this.supervisor = new Supervisor(
      this.host,
      emptyFleet(size, standby),
      policy,
      (event, before, after, effects, now) => {
        this.#judge(event, before, after, effects, now);
      },
    );
    this.#before = this.supervisor.fleet;
    this.host.onEffect = (effect) => this.#perform(effect);
    this.supervisor.tell({ type: 'time-passed' });
  }

  get fleet(): Fleet {
    return this.supervisor.fleet;
  }

  take(step: Step): void {
    if (step.does === 'wait') return this.host.advanceTo(this.host.now() + step.ms);
    if (step.does === 'settle') return this.settle();
    if (step.does === 'beats') return this.#beats(step.failing, step.lagMs);
    const { workers } = this.fleet;
    const pick = (from: readonly Worker[]): number | undefined => from[step.who % Math.max(1, from.length)]?.id;
    switch (step.does) {
      case 'ready':
        return this.#tell('ready', pick(workers.filter(({ phase }) => phase === 'booting')));
      case 'bind':
        return this.#tell('binding', pick(workers.filter(({ phase }) => phase === 'booting')));
      case 'fault':
        return this.#tell('faulted', pick(workers.filter(isLive)));
      case 'leave':
        return this.#leave(pick(workers.filter(isLive)));
      case 'crash':
        return this.#exit(pick(workers));
      case 'exit':
        return this.#exit(pick(workers.filter((worker) => !isLive(worker))));
      case 'reload':
        return this.#reload(undefined);
      case 'canary':
        return this.#reload({ bakeMs: 30_000, maxErrorRatio: 2 });
      case 'recall':
        return this.supervisor.tell({ type: 'recall-asked' });
      case 'restart':
        return this.supervisor.tell({ type: 'restart-asked', generation: ++this.#newest });
      case 'scale':
        return this.supervisor.tell({ type: 'scale-asked', size: 1 + (step.who % 4), standby: this.#standby });
      case 'recycle': {
        const id = pick(workers);
        return id === undefined ? undefined : this.supervisor.tell({ type: 'recycle-asked', id });
      }
      case 'stale': {
        const before = this.fleet;
        const id = this.#gone[step.who % Math.max(1, this.#gone.length)];
        this.#tell('faulted', id);
        this.#tell('ready', id);
        if (id !== undefined) this.#leave(id);
        if (before.workers.length !== this.fleet.workers.length) this.problems.push('a reaped worker was heard');
      }
    }
  }

  settle(): void {
    for (const { id, phase } of this.fleet.workers) if (phase === 'booting') this.#tell('ready', id);
    for (const worker of this.fleet.workers) if (!isLive(worker)) this.#exit(worker.id);
  }

  /** The end of all storms: everything behaves from now on. */
  calm(): void {
    for (let turn = 0; turn < 40; turn++) {
      this.settle();
      this.#beats(false, 0, 0);
      this.host.advanceTo(this.host.now() + 5000);
    }
  }

  #reload(canary: { readonly bakeMs: number; readonly maxErrorRatio: number } | undefined): void {
    const generation = ++this.#newest;
    if (this.fleet.goal === 'serve') this.#begun.add(generation);
    const plan = { surge: 1 + (generation % 2), rollback: true, readyTimeoutMs: 5000, canary };
    this.supervisor.tell({ type: 'reload-asked', generation, plan });
  }

  /** Everybody has answered so many more requests. */
  #beats(failing: boolean, lagMs: number, more = 30): void {
    for (const { id, generation } of this.fleet.workers) {
      const served = (this.#served.get(id) ?? 0) + more;
      this.#served.set(id, served);
      const failed = failing && generation === this.#newest ? served / 3 : 0;
      this.supervisor.tell({ type: 'beat', id, served, failed, lagMs });
    }
  }

  #tell(type: 'ready' | 'binding' | 'faulted', id: number | undefined): void {
    if (id !== undefined) this.supervisor.tell({ type, id });
  }

  #leave(id: number | undefined): void {
    if (id !== undefined) this.supervisor.tell({ type: 'draining', id, because: 'disconnected' });
  }

  #exit(id: number | undefined): void {
    if (id === undefined || !this.#alive.delete(id)) return;
    this.#gone.push(id);
    this.supervisor.tell({ type: 'exited', id, code: 1, signal: null });
  }

  #perform(effect: Effect): void {
    if (effect.type === 'finish') this.finishes++;
    else if (effect.type === 'spawn') {
      if (this.#ids.has(effect.id)) this.problems.push(`#${effect.id} was used again`);
      this.#ids.add(effect.id);
      this.#alive.add(effect.id);
      if (effect.held) this.#held.add(effect.id);
    } else if (effect.type === 'reloaded') {
      if (!this.#begun.delete(effect.generation)) this.problems.push(`generation ${effect.generation} ended unasked`);
      this.#ended.add(effect.generation);
    } else if (effect.type === 'serve' && !this.#held.delete(effect.id)) {
      this.problems.push(`#${effect.id} serves already`);
    } else if (effect.type === 'give-up') this.problems.push('it gave up unasked');
    else if (!this.#alive.has(effect.id)) this.problems.push(`${effect.type} #${effect.id}, which is gone`);
  }

  #judge(event: Event, before: Fleet, after: Fleet, effects: readonly Effect[], now: number): void {
    const wrong = (what: string): void => void this.problems.push(`${now} ${event.type}: ${what}`);
    if (before !== this.#before) wrong('a turn began from another fleet than the last one left');
    this.#before = after;

    const again = decide(after, { type: 'time-passed' }, now, policy);
    if (again.effects.length > 0) wrong(`to reconcile twice orders ${JSON.stringify(again.effects)}`);
    const due = nextDeadline(after, policy);
    if (due !== undefined && due <= now) wrong('a deadline is left in the past');
    if (due !== undefined) {
      const rung = decide(after, { type: 'time-passed' }, due, policy);
      const next = nextDeadline(rung.fleet, policy);
      if (next !== undefined && next <= due) wrong('a deadline passes without progress');
      // A deadline that is a recovery foreseen changes `degraded`; every other one orders something.
      const baked = rung.fleet.reload?.stage.at !== after.reload?.stage.at;
      if (rung.effects.length === 0 && rung.fleet.degraded === after.degraded && !baked)
        wrong('nothing is due at the deadline');
    }

    for (const worker of after.workers) {
      if ((worker.phase === 'booting' || worker.phase === 'draining') && (due === undefined || due > worker.until))
        wrong(`#${worker.id} can outlast its deadline`);
    }
    for (const [index, slot] of after.slots.entries()) {
      const live = after.workers.filter((worker) => worker.slot === index && isLive(worker));
      const here = live.filter(({ generation }) => generation === slot.generation);
      const tried = live.filter((one) => one.phase === 'booting' && one.generation === after.reload?.generation);
      const old = live.filter((one) => !here.includes(one) && !tried.includes(one));
      if (old.some((one) => !isServing(one))) wrong(`slot ${index} keeps an old worker that serves nobody`);
      if (old.length > 0 && here.some(({ phase }) => phase === 'ready')) wrong(`slot ${index} keeps an old worker`);
      if (tried.length > 1) wrong(`slot ${index} tries twice`);
      const tainted = here.filter(({ phase }) => phase === 'tainted').length;
      if (tainted > 1 || here.length - tainted > 1) wrong(`slot ${index} has ${here.map(({ phase }) => phase).join()}`);
      if (tainted === 1 && here.some(({ phase }) => phase === 'ready')) wrong(`slot ${index} keeps who is relieved`);
      const booting = after.workers.filter(({ phase }) => phase === 'booting').length;
      const room = booting < policy.bootConcurrency && !isAhead(after, now);
      if (
        after.goal === 'serve' &&
        here.length === 0 &&
        slot.vacantUntil <= now &&
        turnAt(after, slot, policy) <= now &&
        room
      )
        wrong(`slot ${index} is left vacant`);
      if (slot.vacantUntil > now + policy.backoff.maxMs) wrong(`slot ${index} waits too long`);
    }

    const { reload } = after;
    const surge = reload?.stage.at === 'rolling' ? reload.plan.surge : 1;
    if (reload && reload.trying.length > Math.max(surge, before.reload?.trying.length ?? 0))
      wrong('too many are tried');
    if (reload?.stage.at === 'baking' && reload.trying.length > 0) wrong('others follow a canary that is watched');
    if (!reload && after.goal === 'serve' && this.#begun.size > 1) wrong('reloads interleave');
    if (after.goal !== 'serve' && reload) wrong('a reload outlives a stop');
    if (phasesOf(after, 'booting') > Math.max(policy.bootConcurrency, phasesOf(before, 'booting')))
      wrong('too many boot at once');
    const coming = comingIn(after);
    const waits = (one: Worker): boolean => one.phase === 'standby' && (coming === 0 || one.since + 1000 <= now);
    if (
      after.workers.some(waits) &&
      healthyOf(after) + phasesOf(after, 'tainted') < after.size &&
      after.goal === 'serve'
    )
      wrong('somebody stands by while too few serve');
    if (
      event.type === 'binding' &&
      healthyOf(after) + coming > Math.max(after.size, healthyOf(before) + comingIn(before))
    )
      wrong('more are told to serve than there are places');
    for (const effect of effects) {
      if (effect.type !== 'drain' || after.goal !== 'serve') continue;
      const gone = before.workers.find(({ id }) => id === effect.id);
      if (effect.because !== 'reload' || !gone || !isServing(gone)) continue;
      const relieved = after.workers.some(
        (one) => one.slot === gone.slot && one.generation === after.slots[gone.slot]?.generation && isServing(one),
      );
      if (!relieved && healthyOf(after) < after.size) wrong(`#${effect.id} was drained before its successor was ready`);
    }

    // Replace before you retire.
    for (const effect of effects) {
      if (effect.type !== 'drain' || effect.because !== 'fault' || after.goal !== 'serve') continue;
      const gone = before.workers.find(({ id }) => id === effect.id);
      const spared = after.workers.some(({ phase }) => phase === 'ready');
      const relieved = after.workers.some(
        (other) => other.slot === gone?.slot && other.id > effect.id && isServing(other),
      );
      if (!spared && !relieved && gone?.phase !== 'standby')
        wrong(`#${effect.id} was drained though nobody else was healthy`);
    }
    const servedBefore = before.workers.filter(isServing).length;
    const servedAfter = after.workers.filter(isServing).length;
    if (
      after.goal === 'serve' &&
      servedAfter === 0 &&
      servedBefore > 0 &&
      event.type !== 'exited' &&
      event.type !== 'draining' &&
      event.type !== 'restart-asked' &&
      // Who stands still serves nobody.
      !effects.some((effect) => effect.type === 'kill' && effect.because === 'stalled')
    )
      wrong('an outage that nobody died of');

    // The first cause wins, and nobody comes back.
    for (const worker of after.workers) {
      const was = before.workers.find(({ id }) => id === worker.id);
      if (!was || isLive(was)) continue;
      if (isLive(worker)) wrong(`#${worker.id} came back`);
      else if ('because' in worker && 'because' in was && worker.because !== was.because && after.goal !== 'halt')
        wrong(`#${worker.id} changed its cause`);
      if ('until' in worker && 'until' in was && worker.until > was.until) wrong(`#${worker.id} got more time`);
    }

    const tainted = after.workers.filter(({ phase }) => phase === 'tainted').length;
    // What a reload tries, and what was asked for, is no restart.
    const rushed = effects.filter(
      (effect) =>
        effect.type === 'spawn' &&
        effect.generation === before.slots[effect.slot]?.generation &&
        isFaulty(before, effect.slot) &&
        isFaulty(after, effect.slot),
    ).length;
    const remembered = before.restarts.filter((at) => at + policy.intensity.withinMs > now).length;
    if (rushed > 0 && remembered + rushed > policy.intensity.restarts)
      wrong(`${tainted} tainted went beyond the budget`);
    if (after.restarts.length > 500) wrong('restarts grow without a bound');
  }
}

/** Who boots well, and is not held. */
const comingIn = ({ workers, slots }: Fleet): number =>
  workers.filter(
    (one) => one.phase === 'booting' && !one.held && !one.faulty && slots[one.slot]?.generation === one.generation,
  ).length;
const phasesOf = (fleet: Fleet, phase: string): number => fleet.workers.filter((one) => one.phase === phase).length;
const isFaulty = (fleet: Fleet, slot: number): boolean =>
  fleet.workers.some(
    (one) =>
      one.slot === slot &&
      one.phase === 'tainted' &&
      one.because === 'fault' &&
      one.generation === fleet.slots[slot]?.generation,
  );
const healthyOf = (fleet: Fleet): number => fleet.workers.filter((worker) => isHealthy(fleet, worker)).length;

const who = fc.nat({ max: 15 });
const does = (...kinds: Exclude<Step['does'], 'settle' | 'wait' | 'beats'>[]): fc.Arbitrary<Step> =>
  fc.record({ does: fc.constantFrom(...kinds), who });
const settle = fc.constant<Step>({ does: 'settle' });
const wait = (max: number): fc.Arbitrary<Step> =>
  fc.record({ does: fc.constant('wait' as const), ms: fc.double({ min: 0, max, noNaN: true }) });

const beats = fc.record({
  does: fc.constant('beats' as const),
  failing: fc.boolean(),
  lagMs: fc.constantFrom(0, 0, 2000),
});
const asks = does('reload', 'reload', 'canary', 'canary', 'recall', 'restart', 'scale', 'recycle');

/** Mostly well: what goes wrong meets a whole fleet. */
const healthy = fc.oneof(
  { weight: 5, arbitrary: settle },
  { weight: 3, arbitrary: wait(20_000) },
  { weight: 2, arbitrary: does('fault') },
  { weight: 2, arbitrary: asks },
  { weight: 2, arbitrary: beats },
  { weight: 2, arbitrary: does('bind') },
  { weight: 1, arbitrary: does('crash', 'leave', 'ready', 'exit', 'stale') },
);
const storm = fc.oneof(
  { weight: 4, arbitrary: does('fault') },
  { weight: 3, arbitrary: does('ready') },
  { weight: 2, arbitrary: does('bind') },
  { weight: 3, arbitrary: does('exit') },
  { weight: 2, arbitrary: does('crash') },
  { weight: 1, arbitrary: does('leave', 'stale') },
  { weight: 1, arbitrary: asks },
  { weight: 1, arbitrary: beats },
  { weight: 2, arbitrary: wait(3000) },
  { weight: 1, arbitrary: wait(40_000) },
);
const steps = fc.oneof(
  fc.array(healthy, { minLength: 50, maxLength: 250, size: 'max' }),
  fc.array(storm, { minLength: 50, maxLength: 250, size: 'max' }),
  fc.array(fc.oneof(healthy, storm), { minLength: 50, maxLength: 250, size: 'max' }),
);
const size = fc.integer({ min: 1, max: 4 });
const standby = fc.integer({ min: 0, max: 2 });
const SEED = 20_260;

/** Enough serve, and one of them has only just begun: a standby waits. */
const isAhead = (fleet: Fleet, now: number): boolean =>
  fleet.slots.length > fleet.size &&
  healthyIn(fleet) >= fleet.size &&
  fleet.workers.some((one) => one.phase === 'ready' && one.since + 100 > now);

const walk = (world: World, history: readonly Step[]): void => {
  for (const step of history) {
    world.take(step);
    if (world.problems.length > 0) throw new Error(world.problems.join('\n'));
  }
};

test('whatever happens, the fleet keeps its promises, and is whole again when the storm is over', (t) => {
  fc.assert(
    fc.property(size, standby, steps, (workers, extra, history) => {
      const world = new World(workers, extra);
      walk(world, history);
      world.calm();
      if (world.problems.length > 0) throw new Error(world.problems.join('\n'));
      const { fleet } = world;
      const phases = fleet.workers.map(({ phase }) => phase);
      const ready = phases.filter((phase) => phase === 'ready').length;
      const waiting = phases.filter((phase) => phase === 'standby').length;
      const whole = phases.length === ready + waiting && ready === fleet.size && waiting === extra;
      if (fleet.reload) throw new Error(`a reload without an end: ${JSON.stringify(fleet.reload)}`);
      if (fleet.workers.some((one) => one.generation !== fleet.generation)) throw new Error('a mixture of generations');
      if (!whole || fleet.degraded) throw new Error(`not whole again: ${phases.join()}, degraded ${fleet.degraded}`);
      if (world.finishes > 0) throw new Error('finished without having been asked');
    }),
    { seed: SEED, numRuns: 120, includeErrorInReport: true },
  );
  t.pass();
});

test('a stop, and a halt, at any moment of any history, end it with one finish', (t) => {
  fc.assert(
    fc.property(
      size,
      standby,
      steps,
      fc.array(storm, { maxLength: 10 }),
      fc.boolean(),
      (workers, extra, history, after, halt) => {
        const world = new World(workers, extra);
        walk(world, history.slice(0, 60));
        world.supervisor.tell({ type: 'stop-asked' });
        const spawned = world.fleet.nextId;
        walk(world, after);
        if (halt) world.supervisor.tell({ type: 'halt-asked' });
        world.host.advanceTo(world.host.now() + policy.stopTimeoutMs + policy.graceMs);
        const left = world.fleet.workers.filter(({ phase }) => phase !== 'killing');
        if (left.length > 0) throw new Error('a stop takes longer than it may');
        world.settle();
        if (world.problems.length > 0) throw new Error(world.problems.join('\n'));
        if (world.finishes !== 1) throw new Error(`finished ${world.finishes} times`);
        if (world.fleet.nextId !== spawned) throw new Error('a worker started in a stop');
        if (world.host.alarmAt !== undefined) throw new Error('a timer outlives the fleet');
      },
    ),
    { seed: SEED, numRuns: 80, includeErrorInReport: true },
  );
  t.pass();
});
