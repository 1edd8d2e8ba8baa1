// What may be asked of a running fleet, whoever asks: a signal, the control socket, a program. Each answer is data; an order that
// was understood and failed is an answer, too, never an exception.
import type { Environment } from './environment.js';
import type { FleetStatus } from './status.js';

/** Nothing was changed, or: it goes on; the fleet stops, or has a successor, so that it never will be. */
export type Refusal = {
  readonly ok: false;
  readonly why: string;
  readonly became?: 'goes-on' | 'stopping' | 'replaced';
};
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
    };

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

export interface Commands {
  /** How the fleet is, now. Costs nothing but its making. */
  status(): FleetStatus;
  /** Reads the configuration again and replaces the workers, a few at a time. Resolves when the new generation serves, or will not. */
  reload(ask: ReloadAsk): Promise<ReloadOutcome>;
  /** Reads the configuration again and replaces all workers at once. Clients wait meanwhile. Resolves when the new ones serve. */
  restart(): Promise<Outcome>;
  /** Resolves when as many workers serve, and no more. */
  scale(to: { readonly to: number } | { readonly by: number }): Promise<ScaleOutcome>;
  /** Replaces one worker. Resolves when it is gone. */
  drain(id: number): Promise<Outcome>;
  /** Replaces the supervisor itself. Resolves when the successor serves, or will not: then nothing has changed. */
  upgrade(): Promise<UpgradeOutcome>;
  /** Resolves when nobody is left. */
  stop(ask: { readonly now: boolean }): Promise<void>;
  /** Hears of every step of a change under way. Returns what ends that. */
  progress(listener: (line: Progress) => void): () => void;
}
