// Pure: a storm of errors, in which workers fail faster than the restart intensity lets them be replaced. Facts go in; that a storm
// has begun, or is over, comes out once. What is remembered does not grow with the number of errors.
import { budgetAt, hasBudget } from './restart.js';
import type { Fleet, Instant, Policy, Worker } from './state.js';

/** So long without an error in a faulty worker, and the storm is over. A trickle that replacements keep up with is none. */
const CALM_MS = 10_000;
/** What is remembered of errors before a storm. */
const SECONDS = 10;
const SECOND_MS = 1000;

export interface Storm {
  readonly since: Instant;
  /** Uncaught ones. */
  readonly errors: number;
  /** In one second, at most. */
  readonly worst: number;
  /** Workers that were started in the place of others. */
  readonly replaced: number;
  /** When a faulty worker was last heard to fail. */
  readonly ragedAt: Instant;
}

export interface Weather {
  /** Errors of late, by the second, oldest first. */
  readonly seconds: readonly { readonly at: Instant; readonly errors: number }[];
  readonly storm: Storm | undefined;
}
export const CALM: Weather = { seconds: [], storm: undefined };

export type StormNews =
  | {
      readonly type: 'begun';
      readonly perSecond: number;
      /** Workers that are faulty and serve on. */
      readonly faulty: number;
      readonly intensity: Policy['intensity'];
      /** Until the next of them may be replaced. */
      readonly waitMs: number;
    }
  | { readonly type: 'over'; readonly storm: Storm; readonly lastedMs: number; readonly faulty: number };

interface Forecast {
  readonly weather: Weather;
  readonly news: StormNews | undefined;
}

const isFaulty = (worker: Worker): boolean => worker.phase === 'tainted' && worker.because === 'fault';
const faultyOf = ({ workers }: Fleet): number => workers.filter(isFaulty).length;

/** So many errors that nobody caught have been told by one worker. */
export function erred(weather: Weather, errors: number, fleet: Fleet, now: Instant, policy: Policy): Forecast {
  const seconds = counted(weather.seconds, errors, now);
  const faulty = faultyOf(fleet);
  const rages = faulty > 0 && fleet.goal === 'serve';
  if (weather.storm !== undefined) {
    const { storm } = weather;
    const told: Storm = {
      ...storm,
      errors: storm.errors + errors,
      worst: Math.max(storm.worst, seconds.at(-1)?.errors ?? 0),
      ragedAt: rages ? now : storm.ragedAt,
    };
    return { weather: { seconds, storm: told }, news: undefined };
  }
  if (!rages || hasBudget(fleet.restarts, now, policy))
    return { weather: { seconds, storm: undefined }, news: undefined };
  const since = seconds[0]?.at ?? now;
  const all = seconds.reduce((sum, second) => sum + second.errors, 0);
  const worst = Math.max(...seconds.map((second) => second.errors));
  return {
    weather: { seconds, storm: { since, errors: all, worst, replaced: fleet.restarts.length, ragedAt: now } },
    news: {
      type: 'begun',
      perSecond: (all * SECOND_MS) / Math.max(SECOND_MS, now - since),
      faulty,
      intensity: policy.intensity,
      waitMs: budgetAt(fleet.restarts, policy) - now,
    },
  };
}

/** Time has passed, in which so many workers were started in the place of others. */
export function passed(weather: Weather, replaced: number, fleet: Fleet, now: Instant): Forecast {
  const { storm } = weather;
  if (storm === undefined) return { weather, news: undefined };
  const told = replaced === 0 ? storm : { ...storm, replaced: storm.replaced + replaced };
  if (fleet.goal === 'serve' && now - storm.ragedAt < CALM_MS)
    return { weather: told === storm ? weather : { ...weather, storm: told }, news: undefined };
  return {
    weather: { ...weather, storm: undefined },
    news: { type: 'over', storm: told, lastedMs: storm.ragedAt - storm.since, faulty: faultyOf(fleet) },
  };
}

function counted(seconds: Weather['seconds'], errors: number, now: Instant): Weather['seconds'] {
  const last = seconds.at(-1);
  if (last !== undefined && now - last.at < SECOND_MS)
    return [...seconds.slice(0, -1), { at: last.at, errors: last.errors + errors }];
  return [...seconds.filter(({ at }) => now - at < SECONDS * SECOND_MS), { at: now, errors }];
}
