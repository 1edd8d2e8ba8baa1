// Restart intensity and backoff, after Erlang's supervisors. Intensity slows replacements down; it never ends them.
import type { Instant, Policy } from './state.js';

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

/**
 * How long a slot stays vacant after so many failures in a row. One failure is no pattern: its successor starts at once.
 * `seed` spreads the jitter, so that slots that fail together do not come back together, and a story can be told twice.
 */
export function backoff(failures: number, seed: number, policy: Policy['backoff']): number {
  if (failures <= 1) return 0;
  const growth = Math.min(policy.factor ** (failures - 2), Number.MAX_VALUE);
  const delay = Math.min(policy.maxMs, policy.minMs * growth);
  return Math.min(policy.maxMs, delay * (1 + policy.jitter * (2 * fraction(seed) - 1)));
}

/** The golden ratio's multiples fill the unit interval evenly. */
export const fraction = (seed: number): number => (seed * 0.618_033_988_749_895) % 1;
