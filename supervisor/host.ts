// Everything that the fleet's machine asks of the outside world. Tests hand in a fake; `node-host.ts` is the real one.
import type { Effect } from './effect.js';
import type { Instant } from './state.js';

export interface Host {
  now(): Instant;
  /** Calls `wake` once, at or after `at`. A later call replaces an earlier one. */
  wakeAt(at: Instant | undefined, wake: () => void): void;
  /** Never throws: a fork that fails comes back as the fact `exited`. */
  perform(effect: Effect): void;
}
