// The fleet as data. A slot is a seat; a worker is one process in a slot for one lifetime, its id never used again.
import type { Cause } from '../worker/protocol.js';

/** A moment on the monotonic clock, in milliseconds. */
export type Instant = number;

interface Seat {
  readonly id: number;
  readonly slot: number;
  readonly generation: number;
}

/** A state carries exactly what is true in it. */
export type Phase =
  /** `faulty` where it has told of an error already: it is to be replaced as soon as it is ready. */
  | { readonly phase: 'booting'; readonly until: Instant; readonly faulty: boolean }
  | { readonly phase: 'ready'; readonly since: Instant }
  /** Faulty, but it cannot be spared: it goes on serving until its successor is ready. */
  | { readonly phase: 'tainted'; readonly since: Instant }
  | { readonly phase: 'draining'; readonly because: Cause; readonly until: Instant }
  /** SIGKILL is on its way. */
  | { readonly phase: 'killing'; readonly because: Cause };

export type Worker = Seat & Phase;

export interface Slot {
  /** Failures in a row. A worker that stays ready for longer than the longest backoff ends the row. */
  readonly failures: number;
  /** No worker starts here before. */
  readonly vacantUntil: Instant;
  /** A worker has started here before: the next one is a restart. */
  readonly used: boolean;
}

export interface Fleet {
  /** What is wished for. `halt` is a stop that waits for nobody; `done` means that nobody is left to wait for. */
  readonly goal: 'serve' | 'stop' | 'halt' | 'done';
  readonly generation: number;
  readonly nextId: number;
  readonly slots: readonly Slot[];
  readonly workers: readonly Worker[];
  /** When workers were replaced, oldest first, as far back as the restart intensity looks. */
  readonly restarts: readonly Instant[];
  /** As many restarts as the intensity allows, or a slot that fails again and again. Over when it has been over for a while. */
  readonly degraded: boolean;
}

export interface Policy {
  readonly readyTimeoutMs: number;
  /** A faulty worker's time to finish its other requests. */
  readonly killTimeoutMs: number;
  readonly stopTimeoutMs: number;
  /** How much later than the worker's own kill timer the supervisor's fires. */
  readonly graceMs: number;
  readonly backoff: {
    readonly minMs: number;
    readonly maxMs: number;
    readonly factor: number;
    readonly jitter: number;
  };
  readonly intensity: { readonly restarts: number; readonly withinMs: number };
}

export const emptyFleet = (size: number): Fleet => ({
  goal: 'serve',
  generation: 1,
  nextId: 1,
  slots: Array.from({ length: size }, () => ({ failures: 0, vacantUntil: Number.NEGATIVE_INFINITY, used: false })),
  workers: [],
  restarts: [],
  degraded: false,
});

/** Takes new connections. */
export const isServing = (worker: Worker): boolean => worker.phase === 'ready' || worker.phase === 'tainted';
/** Not yet on its way out. */
export const isLive = (worker: Worker): boolean => worker.phase === 'booting' || isServing(worker);
