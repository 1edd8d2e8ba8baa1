// Every fact that the fleet's machine can be told.
import type { Cause } from '../worker/protocol.js';
import type { Plan } from './reload-state.js';
import type { ExaminationStep } from './state.js';

/** What a worker has open. */
export interface Held {
  readonly requests: number;
  readonly connections: number;
}

export type Event =
  | { readonly type: 'ready'; readonly id: number }
  /** It asks for a listening socket, and will soon accept where it may. */
  | { readonly type: 'binding'; readonly id: number }
  /** All that it listens on now. `suffices`: it is ready by that. */
  | {
      readonly type: 'listening';
      readonly id: number;
      readonly addresses: readonly string[];
      readonly suffices: boolean;
    }
  /** An error that nobody caught; contained, but this worker is to be replaced. */
  | { readonly type: 'faulted'; readonly id: number }
  /** What it has answered since its start, and by how much its event loop is late. */
  | {
      readonly type: 'beat';
      readonly id: number;
      readonly served: number;
      readonly failed: number;
      readonly lagMs: number;
      /** Requests that are open, where it was told. */
      readonly open?: number;
      /** Memory, in bytes, and the share of its heap's limit that is in use, where they were told. */
      readonly rss?: number;
      readonly heapShare?: number;
    }
  /** How far the opening of a stuck worker has come. */
  | { readonly type: 'examined'; readonly id: number; readonly step: ExaminationStep }
  /** It is looked into at an operator's wish: its silence is no fault until then, and counts from then on. */
  | { readonly type: 'excused'; readonly id: number; readonly forMs: number }
  /** The supervisor comes to a deadline far too late: what it has not heard meanwhile is nobody's fault. */
  | { readonly type: 'overslept'; readonly byMs: number }
  /** The worker drains by its own resolve. */
  | { readonly type: 'draining'; readonly id: number; readonly because: Cause }
  | {
      readonly type: 'exited';
      readonly id: number;
      readonly code: number | null;
      readonly signal: string | null;
      /** What it had, by its last word, a tenth of a second or a beat before: where it died, they are lost. */
      readonly had?: Held;
    }
  /** A generation's number is greater than any before. */
  | { readonly type: 'reload-asked'; readonly generation: number; readonly plan: Plan }
  /** The reload under way is called off. */
  | { readonly type: 'recall-asked' }
  /** All at once, with a generation of their own. */
  | { readonly type: 'restart-asked'; readonly generation: number }
  | { readonly type: 'scale-asked'; readonly size: number; readonly standby: number }
  /** This worker is to be replaced. */
  | { readonly type: 'recycle-asked'; readonly id: number }
  | { readonly type: 'stop-asked' }
  | { readonly type: 'halt-asked' }
  /** Also the first word: an empty fleet is a gap to be closed. */
  | { readonly type: 'time-passed' };
