// What may be asked of a running fleet, whoever asks: a signal, the control socket, a program. Each answer is data; an order that
// was understood and failed is an answer, too, never an exception.
import type { AppDifference } from '../config/diff.js';
import type { Environment } from './environment.js';
import type { FleetStatus } from './status.js';

/** Nothing was changed, or: it goes on; the fleet stops, or has a successor, so that it never will be. */
export interface Refusal {
  readonly ok: false;
  readonly why: string;
  readonly became?: 'goes-on' | 'stopping' | 'replaced';
  /** What the command that had to come first printed last, where that is why. */
  readonly lastWords?: readonly string[];
  /** What a command that has asked for it ends with. Default: 1. */
  readonly exitCode?: number;
}
export type Outcome = { readonly ok: true } | Refusal;

/** What became of a new generation. */
export type ReloadOutcome =
  | { readonly ok: true; readonly generation: number }
  | {
      readonly ok: false;
      /** The generation that was tried; the fleet's own where nothing was tried, since the configuration is wrong. */
      readonly generation: number;
      /** One sentence. */
      readonly why: string;
      readonly became?: Refusal['became'];
      /** What the worker that failed had printed on stderr, the last lines of it. */
      readonly lastWords: readonly string[];
      /** What a command that has asked for it ends with. Default: 1. */
      readonly exitCode?: number;
    };

/** `script` is the path that it runs, free of links. */
export type RollbackOutcome =
  | { readonly ok: true; readonly generation: number; readonly of: number; readonly script: string }
  | Extract<ReloadOutcome, { ok: false }>;

/** What became of a new supervisor. */
export type UpgradeOutcome =
  | { readonly ok: true; readonly pid: number; readonly version: string; readonly node: string }
  | Refusal;

export type ScaleOutcome = { readonly ok: true; readonly from: number; readonly to: number } | Refusal;

/** How far a change has come: `3/8 workers ready (2 booting, 11 s)`. */
export interface Progress {
  readonly text: string;
  /** Workers that serve what is wanted. */
  readonly ready: number;
  readonly wanted: number;
  readonly booting: number;
  /** Since the change was asked for, in milliseconds. */
  readonly elapsedMs: number;
}

export interface ReloadAsk {
  /** One slot first, watched for a while. Default: `reload.canary` of the configuration. */
  readonly canary?: boolean;
  /** How long it is watched, in milliseconds. Default: `reload.bake`. Given, it means a canary. */
  readonly bakeMs?: number;
  /** In place of the environment that the fleet has, once the new generation serves. Default: it stays. */
  readonly env?: Environment;
}

/** What became of one app of several. */
export interface AppOutcome {
  readonly app: string;
  readonly ok: boolean;
  /** What has happened to it, or why it has not: the rest of a sentence that begins with its name. */
  readonly what: string;
}

/** What may be asked of the whole process, whatever the number of its apps. */
export interface Whole {
  readonly isSeveral: boolean;
  /** Resolves when no configuration is being read. */
  readonly prepared: Promise<unknown>;
  /** Brings in what the configuration says now: apps that are new start, those that are gone leave, the others reload. */
  reload(ask: ReloadAsk): Promise<(ReloadOutcome | Outcome) & { readonly apps?: readonly AppOutcome[] }>;
  /** What a reload would do; of another file, where one is named. @throws {OperatorError} where it is wrong. */
  compare(file: string | undefined): Promise<readonly AppDifference[]>;
  /** Resolves when nobody is left. */
  stop(ask: { readonly now: boolean }): Promise<void>;
}

export interface Commands {
  /** How the fleet is, now. Costs nothing but its making. */
  status(): FleetStatus;
  /** Reads the configuration again and replaces the workers, a few at a time. Resolves when the new generation serves, or will not. */
  reload(ask: ReloadAsk): Promise<ReloadOutcome>;
  /**
   * Back to what ran before, replacing the workers a few at a time; without its `before`, which it has had. A reload under way is
   * called off. Resolves when the old one serves, or will not.
   */
  rollback(): Promise<RollbackOutcome>;
  /** Reads the configuration again and replaces all workers at once. Clients wait meanwhile. Resolves when the new ones serve. */
  restart(): Promise<Outcome>;
  /** Resolves when as many workers serve, and no more. */
  scale(to: { readonly to: number } | { readonly by: number }): Promise<ScaleOutcome>;
  /** Replaces one worker. Resolves when it is gone. */
  drain(id: number): Promise<Outcome>;
  /** Whether load balancers and registries are told to send nobody here. Workers serve on. */
  maintain(on: boolean): Outcome;
  /** Replaces the supervisor itself. Resolves when the successor serves, or will not: then nothing has changed. */
  upgrade(): Promise<UpgradeOutcome>;
  /** Resolves when nobody is left. */
  stop(ask: { readonly now: boolean }): Promise<void>;
  /** Hears of every step of a change under way. Returns what ends that. */
  progress(listener: (line: Progress) => void): () => void;
}
