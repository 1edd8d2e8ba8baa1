// A reload as data: what was asked for, how far it is, and how it ends.
import type { Count, Instant } from './state.js';

/** What the operator wants of a reload. */
export interface Plan {
  /** How many slots are renewed at the same time. */
  readonly surge: number;
  /** Whether slots that run the new generation already go back when it fails. */
  readonly rollback: boolean;
  /** The new generation's time to get ready. */
  readonly readyTimeoutMs: number;
  /** One slot first, watched for a while. */
  readonly canary: { readonly bakeMs: number; readonly maxErrorRatio: number } | undefined;
}

export type Stage =
  /** One slot is renewed, then watched. */
  | { readonly at: 'canary' }
  | {
      readonly at: 'baking';
      readonly until: Instant;
      /** An event loop that stands still sends no beats. */
      readonly silentAt: Instant;
      /** What the new generation has answered since, and the old one. */
      readonly fresh: Count;
      readonly stale: Count;
      /** Requests that wait for an answer of the new one's. */
      readonly open: number;
      /** Errors that nobody caught, in the new generation. */
      readonly faults: number;
      /** Beats in a row that came late. */
      readonly late: number;
    }
  | { readonly at: 'rolling' };

export interface Reload {
  readonly generation: number;
  readonly plan: Plan;
  readonly stage: Stage;
  /** Slots in which a worker of the new generation boots beside its incumbent. */
  readonly trying: readonly number[];
}

/** Why a reload came to nothing. */
export type Failure =
  | { readonly type: 'died'; readonly worker: number; readonly code: number | null; readonly signal: string | null }
  | { readonly type: 'left'; readonly worker: number }
  | {
      readonly type: 'stalled';
      readonly worker: number;
      readonly afterMs: number;
      /** Where it should have listened, if it listened at all. */
      readonly missing: readonly string[];
    }
  /** After it was ready: the canary, or a worker of a slot that fails again and again. */
  | { readonly type: 'crashed'; readonly worker: number; readonly code: number | null; readonly signal: string | null }
  | { readonly type: 'errors'; readonly fresh: Count; readonly stale: Count }
  | { readonly type: 'faults'; readonly faults: number }
  | { readonly type: 'late'; readonly lagMs: number }
  | { readonly type: 'silent' }
  /** It has answered nothing, though it was asked, while the old ones answered many. */
  | { readonly type: 'mute'; readonly open: number; readonly stale: Count }
  | { readonly type: 'superseded'; readonly by: number }
  | { readonly type: 'stopped' };
