// The loop: a fact comes in, the machine decides, the host performs, and sleeps until the next deadline. Effects of one pass cannot
// re-enter it: what they bring in waits its turn.
import { decide, nextDeadline } from './decide.js';
import type { Effect } from './effect.js';
import type { Event } from './event.js';
import type { Host } from './host.js';
import type { Fleet, Instant, Policy } from './state.js';

/** Hears of every turn, after the orders are given. */
export type Observer = (event: Event, before: Fleet, after: Fleet, effects: readonly Effect[], now: Instant) => void;

export class Supervisor {
  readonly #host: Host;
  #policy: Policy;
  readonly #observe: Observer;
  readonly #inbox: Event[] = [];
  #fleet: Fleet;
  #busy = false;
  #due: Instant | undefined;

  constructor(host: Host, fleet: Fleet, policy: Policy, observe: Observer = () => {}) {
    this.#host = host;
    this.#fleet = fleet;
    this.#policy = policy;
    this.#observe = observe;
  }

  get fleet(): Fleet {
    return this.#fleet;
  }

  get policy(): Policy {
    return this.#policy;
  }

  /** From now on. */
  follow(policy: Policy): void {
    this.#policy = policy;
  }

  /** Takes one fact in. Performing an effect may bring in more facts; they wait their turn. */
  tell(event: Event): void {
    this.#inbox.push(event);
    if (this.#busy) return;
    const lateMs = this.#host.now() - (this.#due ?? Number.POSITIVE_INFINITY);
    if (lateMs > this.#policy.health.beatMs) this.#inbox.unshift({ type: 'overslept', byMs: lateMs });
    this.#busy = true;
    for (let next = this.#inbox.shift(); next !== undefined; next = this.#inbox.shift()) {
      const now = this.#host.now();
      const before = this.#fleet;
      const { fleet, effects } = decide(before, next, now, this.#policy);
      this.#fleet = fleet;
      for (const effect of effects) this.#host.perform(effect);
      this.#observe(next, before, fleet, effects, now);
    }
    this.#busy = false;
    this.#due = nextDeadline(this.#fleet, this.#policy);
    this.#host.wakeAt(this.#due, () => this.tell({ type: 'time-passed' }));
  }
}
