// Restart intensity and backoff, after Erlang's supervisors. Intensity slows replacements down; it never ends them.
import type { Instant, Policy } from './state.js';

/** The restarts that the intensity still remembers. */
export const recent = (restarts: readonly Instant[], now: Instant, { intensity }: Policy): readonly Instant[] =>
  restarts.filter((at) => at > now - intensity.withinMs);

export const hasBudget = (restarts: readonly Instant[], now: Instant, policy: Policy): boolean =>
  recent(restarts, now, policy).length < policy.intensity.restarts;

/** When a restart becomes affordable again. */
export const budgetAt = (restarts: readonly Instant[], { intensity }: Policy): Instant =>
  (restarts.at(-intensity.restarts) ?? Number.NEGATIVE_INFINITY) + intensity.withinMs;

/**
 * How long a slot stays vacant after so many failures in a row. One failure is no pattern: its successor starts at once.
 * `seed` spreads the jitter, so that slots that fail together do not come back together, and a story can be told twice.
 */
export function backoff(failures: number, seed: number, policy: Policy['backoff']): number {
  if (failures <= 1) return 0;
  const delay = Math.min(policy.maxMs, policy.minMs * policy.factor ** (failures - 2));
  return Math.min(policy.maxMs, delay * (1 + policy.jitter * (2 * fraction(seed) - 1)));
}

/** The golden ratio's multiples fill the unit interval evenly. */
const fraction = (seed: number): number => (seed * 0.618_033_988_749_895) % 1;
