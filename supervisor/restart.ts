// Restart intensity and backoff, after Erlang's supervisors. Intensity slows replacements down; it never ends them.
import { type Fleet, type Instant, isServing, type Policy, type Slot } from './state.js';

/** The restarts that the intensity still remembers. */
export const recent = (restarts: readonly Instant[], now: Instant, { intensity }: Policy): readonly Instant[] =>
  restarts.filter((at) => at + intensity.withinMs > now);

export const hasBudget = (restarts: readonly Instant[], now: Instant, policy: Policy): boolean =>
  budgetAt(restarts, policy) <= now;

/** When a restart is affordable: fewer than so many are remembered. */
export const budgetAt = (restarts: readonly Instant[], policy: Policy): Instant =>
  fewerAt(restarts, policy.intensity.restarts, policy);

/** When at most half of what the intensity allows is remembered: a fleet at its very limit is not well. */
export const calmAt = (restarts: readonly Instant[], policy: Policy): Instant =>
  fewerAt(restarts, Math.floor(policy.intensity.restarts / 2) + 1, policy);

/** Computed in one way everywhere: `at > now - within` and `at + within <= now` can both be true of fractions. */
const fewerAt = (restarts: readonly Instant[], count: number, { intensity }: Policy): Instant =>
  (restarts.at(-count) ?? Number.NEGATIVE_INFINITY) + intensity.withinMs;

/** The backoff without its jitter. */
function delay(failures: number, { minMs, maxMs, factor }: Policy['backoff']): number {
  if (failures <= 1) return 0;
  return Math.min(maxMs, minMs * Math.min(factor ** (failures - 2), Number.MAX_VALUE));
}

/** Failures of a slot that nobody waits for: its first successor starts at once, the next one soon. */
const FREE = 2;

/**
 * When one more worker may be tried where none gets ready: slots take turns, so that a fleet of any size costs the machine what two
 * slots would. The first that is ready ends this. Not where the fleet is to give up soon.
 */
export function turnAt({ workers, slots, restarts }: Fleet, slot: Slot, policy: Policy): Instant {
  const waits = slot.stillborn && slot.failures >= FREE && policy.giveUpAt === undefined && !workers.some(isServing);
  if (!waits) return Number.NEGATIVE_INFINITY;
  const more = slots.reduce((sum, { failures }) => sum + Math.max(0, failures - FREE), 0);
  return (restarts.at(-1) ?? Number.NEGATIVE_INFINITY) + delay(FREE + Math.floor(more / 2), policy.backoff) / 2;
}

/**
 * How long a slot stays vacant after so many failures in a row. One failure is no pattern: its successor starts at once.
 * `seed` spreads the jitter, so that slots that fail together do not come back together, and a story can be told twice.
 */
export function backoff(failures: number, seed: number, policy: Policy['backoff']): number {
  return Math.min(policy.maxMs, delay(failures, policy) * (1 + policy.jitter * (2 * fraction(seed) - 1)));
}

/** The golden ratio's multiples fill the unit interval evenly. */
export const fraction = (seed: number): number => (seed * 0.618_033_988_749_895) % 1;
