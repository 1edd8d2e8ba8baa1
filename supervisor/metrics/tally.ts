// What is counted for metrics: what workers tell, added up so that no counter ever falls when one of them goes; and what the fleet's
// machine does. Facts go in; `snapshot` is what there is to show.
import type { Beat, CutRequest, DurationCount, RequestCount } from '../../worker/protocol.js';
import { ExitCode } from '../../worker/protocol.js';
import type { Fleet, Instant, Worker } from '../state.js';
import type { Observer } from '../supervisor.js';
import type { Legacy } from './legacy.js';

export interface Known {
  readonly slot: number;
  readonly at: Instant;
  readonly beat: Beat;
}

export interface Snapshot {
  readonly fleet: Fleet;
  readonly now: Instant;
  /** Of the workers that live. */
  readonly live: readonly Known[];
  readonly requests: readonly RequestCount[];
  readonly durations: readonly DurationCount[];
  /** In milliseconds, by slot. */
  readonly cpuMs: ReadonlyMap<number, number>;
  readonly restarts: ReadonlyMap<string, number>;
  readonly lost: ReadonlyMap<LossReason, number>;
  readonly faults: number;
  readonly reported: number;
  readonly handOvers: number;
}

/** Cut by the kill timer, answered 503 or broken off; or open in a worker that died. */
export type LossReason = 'cut-answered' | 'cut-broken' | 'died';

/** Of all workers together: each has its own bound. */
const MAX_SERIES = 2000;
const OTHER = 'other';
const ORDERLY: readonly (number | null)[] = [ExitCode.drained, ExitCode.faulted, ExitCode.cut, ExitCode.orphaned];
const FIRST_CAUSES = ['fault', 'died', 'stalled', 'disconnected', 'reload', 'restart'];

export class Tally {
  #fleet: Fleet | undefined;
  readonly #live = new Map<number, Known>();
  readonly #requests = new Map<string, RequestCount>();
  readonly #durations = new Map<string | undefined, DurationCount>();
  readonly #cpuMs = new Map<number, number>();
  readonly #restarts = new Map<string, number>(FIRST_CAUSES.map((cause) => [cause, 0]));
  readonly #lost = new Map<LossReason, number>([
    ['cut-answered', 0],
    ['cut-broken', 0],
    ['died', 0],
  ]);
  readonly #lastEnd = new Map<number, string>();
  #faults = 0;
  #reported = 0;
  #handOvers = 0;

  readonly observe: Observer = (event, before, after, effects) => {
    this.#fleet = after;
    for (const effect of effects)
      if (effect.type === 'spawn' && before.slots[effect.slot]?.used) this.#restarted(effect.slot, effect.id, after);
    if (event.type !== 'exited') return;
    const worker = before.workers.find(({ id }) => id === event.id);
    if (!worker) return;
    this.#lastEnd.set(worker.slot, causeOf(worker) ?? 'died');
    const orderly = worker.phase === 'draining' && event.signal === null && ORDERLY.includes(event.code);
    if (!orderly) add(this.#lost, 'died', event.had?.requests ?? 0);
  };

  beat(id: number, slot: number, beat: Beat, at: Instant): void {
    this.#live.set(id, { slot, at, beat });
  }

  /** Nothing more will be heard of it. */
  gone(id: number): void {
    const known = this.#live.get(id);
    if (!known) return;
    this.#live.delete(id);
    addRequests(this.#requests, known.beat.requests);
    addDurations(this.#durations, known.beat.durations);
    add(this.#cpuMs, known.slot, known.beat.cpuMs);
  }

  /** Uncaught, or handled by the program and reported. */
  errors(count: number, reported: boolean): void {
    if (reported) this.#reported += count;
    else this.#faults += count;
  }

  cut(requests: readonly CutRequest[]): void {
    for (const { answered } of requests) add(this.#lost, answered ? 'cut-answered' : 'cut-broken', 1);
  }

  /** What a predecessor has counted. */
  inherit({ requests, durations, restarts, lost, faults, reported, handOvers }: Legacy): void {
    addRequests(this.#requests, requests);
    addDurations(this.#durations, durations);
    for (const [cause, count] of restarts) add(this.#restarts, cause, count);
    for (const [reason, count] of lost) add(this.#lost, reason, count);
    this.#faults += faults;
    this.#reported += reported;
    this.#handOvers += handOvers;
  }

  handedOver(count: number): void {
    this.#handOvers += count;
  }

  snapshot(now: Instant): Snapshot | undefined {
    if (!this.#fleet) return undefined;
    const requests = new Map(this.#requests);
    const durations = new Map(this.#durations);
    const cpuMs = new Map(this.#cpuMs);
    for (const { slot, beat } of this.#live.values()) {
      addRequests(requests, beat.requests);
      addDurations(durations, beat.durations);
      add(cpuMs, slot, beat.cpuMs);
    }
    return {
      fleet: this.#fleet,
      now,
      live: [...this.#live.values()],
      requests: [...requests.values()],
      durations: [...durations.values()],
      cpuMs,
      restarts: new Map(this.#restarts),
      lost: new Map(this.#lost),
      faults: this.#faults,
      reported: this.#reported,
      handOvers: this.#handOvers,
    };
  }

  /** Why the worker before it goes, or has gone. */
  #restarted(slot: number, id: number, { workers }: Fleet): void {
    const before = workers.findLast((worker) => worker.slot === slot && worker.id !== id);
    const cause = before && (causeOf(before) ?? (before.phase === 'tainted' ? 'fault' : 'replaced'));
    add(this.#restarts, cause ?? this.#lastEnd.get(slot) ?? 'died', 1);
  }
}

const causeOf = (worker: Worker): string | undefined => ('because' in worker ? worker.because : undefined);

const add = <Key>(counts: Map<Key, number>, key: Key, count: number): void =>
  void counts.set(key, (counts.get(key) ?? 0) + count);

/** A route too many is told with the others. Nothing is changed in place: a snapshot shares it. */
function addRequests(into: Map<string, RequestCount>, requests: readonly RequestCount[]): void {
  for (const request of requests) {
    const { method, status, count } = request;
    const known = keyOf(request);
    const fits = request.route === undefined || into.has(known) || into.size < MAX_SERIES;
    const told = fits ? request : { ...request, route: OTHER };
    const key = fits ? known : keyOf(told);
    const { route } = told;
    into.set(key, {
      method,
      status,
      count: (into.get(key)?.count ?? 0) + count,
      ...(route !== undefined && { route }),
    });
  }
}

const keyOf = ({ method, status, route }: RequestCount): string =>
  route === undefined ? `${method} ${status}` : `${method} ${status} ${route}`;

function addDurations(into: Map<string | undefined, DurationCount>, durations: readonly DurationCount[]): void {
  for (const { route: told, counts, sumMs } of durations) {
    const route = told === undefined || into.has(told) || into.size < MAX_SERIES / 10 ? told : OTHER;
    const known = into.get(route);
    into.set(route, {
      counts: counts.map((count, index) => count + (known?.counts[index] ?? 0)),
      sumMs: sumMs + (known?.sumMs ?? 0),
      ...(route !== undefined && { route }),
    });
  }
}
