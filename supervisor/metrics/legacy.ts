// What a supervisor has counted, for its successor: told when that one takes over, and once more for what came after. No counter
// falls at an upgrade, and nothing is counted twice.
import type { DurationCount, RequestCount } from '../../worker/protocol.js';
import type { LossReason, Snapshot } from './tally.js';

export interface Legacy {
  readonly requests: readonly RequestCount[];
  readonly durations: readonly DurationCount[];
  readonly restarts: readonly (readonly [cause: string, count: number])[];
  readonly lost: readonly (readonly [reason: LossReason, count: number])[];
  readonly faults: number;
  readonly reported: number;
  readonly handOvers: number;
}

const NOTHING: Legacy = {
  requests: [],
  durations: [],
  restarts: [],
  lost: [],
  faults: 0,
  reported: 0,
  handOvers: 0,
};

/** What has come since `told`. */
export function legacyOf(snapshot: Snapshot | undefined, told: Legacy = NOTHING): Legacy {
  if (snapshot === undefined) return NOTHING;
  const { requests, durations, restarts, lost, faults, reported, handOvers } = snapshot;
  return {
    requests: requests.flatMap((request) => {
      const before = told.requests.find((one) => isAlike(one, request));
      const count = request.count - (before?.count ?? 0);
      return count > 0 ? [{ ...request, count }] : [];
    }),
    durations: durations.flatMap((duration) => {
      const before = told.durations.find(({ route }) => route === duration.route);
      const counts = duration.counts.map((count, index) => count - (before?.counts[index] ?? 0));
      const sumMs = duration.sumMs - (before?.sumMs ?? 0);
      return counts.some((count) => count > 0) ? [{ ...duration, counts, sumMs }] : [];
    }),
    restarts: since([...restarts], told.restarts),
    lost: since([...lost], told.lost),
    faults: faults - told.faults,
    reported: reported - told.reported,
    handOvers: handOvers - told.handOvers,
  };
}

const isAlike = (one: RequestCount, other: RequestCount): boolean =>
  one.method === other.method && one.status === other.status && one.route === other.route;

const since = <Key>(now: readonly (readonly [Key, number])[], told: readonly (readonly [Key, number])[]) =>
  now.map(([key, count]) => [key, count - (told.find(([known]) => known === key)?.[1] ?? 0)] as const);
