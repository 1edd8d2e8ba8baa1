// A history told to the real Supervisor: facts go in, and the orders that came of them are read back as lines. The host is a fake
// whose clock moves only when the story waits, and whose one timer rings on the way.
import type { Effect } from '../../supervisor/effect.js';
import type { Event } from '../../supervisor/event.js';
import type { Host } from '../../supervisor/host.js';
import { narrate } from '../../supervisor/narrate.js';
import type { Fleet, Instant, Policy, Worker } from '../../supervisor/state.js';
import { emptyFleet } from '../../supervisor/state.js';
import { Supervisor } from '../../supervisor/supervisor.js';

/** Round figures, no jitter: ten restarts a minute, boots of 10 s, kill timers of 30 s (+ 2 s), stops of 20 s (+ 2 s). */
export const policy: Policy = {
  readyTimeoutMs: 10_000,
  killTimeoutMs: 30_000,
  stopTimeoutMs: 20_000,
  graceMs: 2000,
  backoff: { minMs: 1000, maxMs: 8000, factor: 2, jitter: 0 },
  intensity: { restarts: 10, withinMs: 60_000 },
  bootConcurrency: 64,
  health: { beatMs: 1000, hangMs: Number.POSITIVE_INFINITY, onHang: 'free' },
  limits: { memory: undefined, heap: undefined, requests: undefined, lifetimeMs: undefined, jitter: 0, surge: 1 },
  giveUpAt: undefined,
};

export class FakeHost implements Host {
  readonly performed: { readonly at: Instant; readonly effect: Effect }[] = [];
  /** What the world does about an order; it may tell the supervisor at once. */
  onEffect: (effect: Effect) => void = () => {};
  #now: Instant;
  #alarm: { readonly at: Instant; readonly wake: () => void } | undefined;

  constructor(now: Instant = 0) {
    this.#now = now;
  }

  now(): Instant {
    return this.#now;
  }

  wakeAt(at: Instant | undefined, wake: () => void): void {
    this.#alarm = at === undefined ? undefined : { at, wake };
  }

  perform(effect: Effect): void {
    this.performed.push({ at: this.#now, effect });
    this.onEffect(effect);
  }

  /** The machine is suspended: the clock goes on, and what was due rings only when it wakes, or has not rung yet. */
  sleepTo(end: Instant, rings = true): void {
    this.#now = end;
    if (rings && this.#alarm !== undefined && this.#alarm.at <= end) this.#alarm.wake();
  }

  get alarmAt(): Instant | undefined {
    return this.#alarm?.at;
  }

  /** Moves the clock, and rings whatever is due on the way. An alarm that does nothing but ring again is a busy loop. */
  advanceTo(end: Instant): void {
    let rings = 0;
    while (this.#alarm !== undefined && this.#alarm.at <= end) {
      const { at, wake } = this.#alarm;
      rings = at > this.#now ? 0 : rings + 1;
      if (rings > 1) throw new Error(`busy loop: the alarm rings again and again at ${this.#now}`);
      this.#alarm = undefined;
      this.#now = Math.max(at, this.#now);
      wake();
    }
    this.#now = end;
  }
}

export class Story {
  readonly host: FakeHost;
  readonly #supervisor: Supervisor;
  readonly #said: string[] = [];
  #read = 0;

  constructor(size: number, changes: Partial<Policy> & { standby?: number } = {}) {
    const { standby = 0, ...rest } = changes;
    this.host = new FakeHost();
    this.#supervisor = new Supervisor(this.host, emptyFleet(size, standby), { ...policy, ...rest }, (...turn) => {
      for (const { level, text } of narrate(...turn)) this.#said.push(level === 'info' ? text : `${level}: ${text}`);
    });
    this.tell({ type: 'time-passed' });
  }

  tell(...events: readonly Event[]): this {
    for (const event of events) this.#supervisor.tell(event);
    return this;
  }

  ready(...ids: readonly number[]): this {
    return this.tell(...ids.map((id): Event => ({ type: 'ready', id })));
  }

  faulted(...ids: readonly number[]): this {
    return this.tell(...ids.map((id): Event => ({ type: 'faulted', id })));
  }

  /** As a worker does that drained: with the code that says so. */
  left(...ids: readonly number[]): this {
    return this.tell(...ids.map((id): Event => ({ type: 'exited', id, code: 0, signal: null })));
  }

  crashed(...ids: readonly number[]): this {
    return this.tell(...ids.map((id): Event => ({ type: 'exited', id, code: 1, signal: null })));
  }

  wait(ms: number): this {
    this.host.advanceTo(this.host.now() + ms);
    return this;
  }

  /** The orders since they were last read: `0s spawn #3 in slot 0, generation 1`. */
  orders(): string[] {
    const fresh = this.host.performed.slice(this.#read);
    this.#read = this.host.performed.length;
    return fresh.map(({ at, effect }) => `${at / 1000}s ${inWords(effect)}`);
  }

  /** What the operator has read since. */
  said(): string[] {
    return this.#said.splice(0);
  }

  /** Forgets what has been ordered and said. */
  forget(): this {
    this.#read = this.host.performed.length;
    this.#said.length = 0;
    return this;
  }

  get fleet(): Fleet {
    return this.#supervisor.fleet;
  }

  worker(id: number): Worker | undefined {
    return this.fleet.workers.find((worker) => worker.id === id);
  }

  /** `#1 tainted`, one a worker. */
  get workers(): string[] {
    return this.fleet.workers.map(({ id, phase }) => `#${id} ${phase}`);
  }
}

function inWords(effect: Effect): string {
  switch (effect.type) {
    case 'spawn':
      return `spawn #${effect.id} in slot ${effect.slot}, generation ${effect.generation}`;
    case 'drain':
      return `drain #${effect.id} (${effect.because})`;
    case 'kill':
      return `kill #${effect.id} (${effect.because})`;
    case 'serve':
      return `serve #${effect.id}`;
    case 'reloaded':
      return `generation ${effect.generation} ${effect.failure?.type ?? 'serves'}`;
    case 'examine':
      return `examine #${effect.id}, then ${effect.onHang}`;
    case 'freed':
      return `freed #${effect.id}${effect.guilty ? ', guilty' : ''}`;
    case 'recycle':
      return `recycle #${effect.id} (${effect.reached.limit})`;
    case 'give-up':
      return `give up after ${effect.failures}`;
    case 'finish':
      return 'finish';
  }
}

/** A fleet that has just been started; its first orders are not read yet. */
export const booting = (size: number, changes?: Partial<Policy> & { standby?: number }): Story =>
  new Story(size, changes);

/** A fleet whose workers #1 … #n are all ready. */
export const serving = (size: number, changes?: Partial<Policy> & { standby?: number }): Story =>
  new Story(size, changes).ready(...Array.from({ length: size }, (_, index) => index + 1)).forget();
