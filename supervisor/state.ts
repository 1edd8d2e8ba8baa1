// The fleet as data. A slot is a seat; a worker is one process in a slot for one lifetime, its id never used again; a generation
// is the release that a worker runs.
import type { Cause } from '../worker/protocol.js';
import type { Reload } from './reload-state.js';

/** A moment on the monotonic clock, in milliseconds. */
export type Instant = number;

/** Requests that were answered, and how many of them with an error. */
export interface Count {
  readonly served: number;
  readonly failed: number;
}
export const NONE: Count = { served: 0, failed: 0 };

/** How far the opening of a stuck worker has come; `doomed` is one whose call cannot be ended, and `awake` one that was only slow. */
export type ExaminationStep = 'asked' | 'opened' | 'seen' | 'terminated' | 'doomed' | 'failed' | 'awake';

export interface Vitals {
  /** Its last sign of life. */
  readonly heardAt: Instant;
  /** Undefined while it is heard. `until`: when it is given up. */
  readonly stuck: { readonly step: ExaminationStep; readonly until: Instant } | undefined;
}
/** Of a worker that boots, whose silence is judged by its deadline. */
export const UNHEARD: Vitals = { heardAt: Number.POSITIVE_INFINITY, stuck: undefined };

export interface Seat {
  readonly id: number;
  readonly slot: number;
  readonly generation: number;
  /** What it listens on. */
  readonly addresses: readonly string[];
  /** Since its start. */
  readonly count: Count;
  readonly vitals: Vitals;
}

/** A state carries exactly what is true in it. */
export type Phase =
  | {
      readonly phase: 'booting';
      readonly until: Instant;
      /** It has told of an error already: it is to be replaced as soon as it is ready. */
      readonly faulty: boolean;
      /** It listens, and that is all it takes to be ready, once it does so wherever its incumbent does. */
      readonly listens: boolean;
      /** It accepts nobody before it is told to serve. */
      readonly held: boolean;
      /** It has asked for a listening socket. */
      readonly binds: boolean;
    }
  | { readonly phase: 'ready'; readonly since: Instant }
  /** Booted and held: one order away from serving. */
  | { readonly phase: 'standby'; readonly since: Instant }
  /** To be replaced, but it cannot be spared: it goes on serving until its successor is ready. */
  | { readonly phase: 'tainted'; readonly since: Instant; readonly because: Cause }
  | { readonly phase: 'draining'; readonly because: Cause; readonly until: Instant }
  /** SIGKILL is on its way. */
  | { readonly phase: 'killing'; readonly because: Cause };

export type Worker = Seat & Phase;

export interface Slot {
  /** Failures in a row. A worker that stays ready for longer than the longest backoff ends the row. */
  readonly failures: number;
  /** The last of them was a worker that had never been ready. */
  readonly stillborn: boolean;
  /** No worker starts here before. */
  readonly vacantUntil: Instant;
  /** A worker has started here that nobody asked to go: the next one is a restart. */
  readonly used: boolean;
  /** What its next worker runs. */
  readonly generation: number;
}

export interface Fleet {
  /** What is wished for. `halt` is a stop that waits for nobody; `done` means that nobody is left to wait for. */
  readonly goal: 'serve' | 'stop' | 'halt' | 'done';
  /** The last that served everywhere, and what an abandoned reload goes back to. */
  readonly generation: number;
  readonly nextId: number;
  /** Workers in service; the others stand by. There is a slot for each of both. */
  readonly size: number;
  readonly slots: readonly Slot[];
  readonly workers: readonly Worker[];
  /** When workers were replaced, oldest first, as far back as the restart intensity looks. */
  readonly restarts: readonly Instant[];
  /** As many restarts as the intensity allows, or a slot that fails again and again. Over when it has been over for a while. */
  readonly degraded: boolean;
  /** A change of generation under way; there is never more than one. */
  readonly reload: Reload | undefined;
  /** What this generation has answered. */
  readonly count: Count;
}

export interface Policy {
  readonly readyTimeoutMs: number;
  /** The time to finish open requests of a worker that is told to go. */
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
  /** Workers that boot at the same time, at most. */
  readonly bootConcurrency: number;
  readonly health: {
    /** Between two beats of a worker. */
    readonly beatMs: number;
    /** So long without one, and its event loop stands still. */
    readonly hangMs: number;
    /** What becomes of a stuck worker, once it has been looked into. */
    readonly onHang: 'free' | 'kill' | 'report';
  };
  readonly limits: {
    /** In bytes. */
    readonly memory: number | undefined;
    /** A share of the heap's limit. */
    readonly heap: number | undefined;
    readonly requests: number | undefined;
    readonly lifetimeMs: number | undefined;
    /** By up to this share of them, they are tighter for some workers than for others. */
    readonly jitter: number;
    /** So many are replaced for a limit at a time. */
    readonly surge: number;
  };
  /** The fleet ends when every slot has failed so often in a row; undefined for never. */
  readonly giveUpAt: number | undefined;
}

export const emptySlot = (generation: number): Slot => ({
  failures: 0,
  stillborn: false,
  vacantUntil: Number.NEGATIVE_INFINITY,
  used: false,
  generation,
});

export const emptyFleet = (size: number, standby = 0): Fleet => ({
  goal: 'serve',
  generation: 1,
  nextId: 1,
  size,
  slots: Array.from({ length: size + standby }, () => emptySlot(1)),
  workers: [],
  restarts: [],
  degraded: false,
  reload: undefined,
  count: NONE,
});

/** Takes new connections. */
export const isServing = (worker: Worker): boolean => worker.phase === 'ready' || worker.phase === 'tainted';
/** Not yet on its way out. */
export const isLive = (worker: Worker): boolean =>
  worker.phase === 'booting' || worker.phase === 'standby' || isServing(worker);

/** It runs what its slot is to run. Others are on their way in (a reload's), or on their way out. */
export const isCurrent = (fleet: Fleet, { slot, generation }: Seat): boolean =>
  fleet.slots[slot]?.generation === generation;
/** Serves, is to stay, and nothing is wrong with it. */
export const isHealthy = (fleet: Fleet, worker: Worker): boolean =>
  worker.phase === 'ready' && isCurrent(fleet, worker);
export const healthy = (fleet: Fleet): number => fleet.workers.filter((worker) => isHealthy(fleet, worker)).length;
export const find = (fleet: Fleet, id: number): Worker | undefined => fleet.workers.find((one) => one.id === id);
