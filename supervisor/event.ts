// Every fact that the fleet's machine can be told.
import type { Cause } from '../worker/protocol.js';

export type Event =
  | { readonly type: 'ready'; readonly id: number }
  /** An error that nobody caught; contained, but this worker is to be replaced. */
  | { readonly type: 'faulted'; readonly id: number }
  /** The worker drains by its own resolve. */
  | { readonly type: 'draining'; readonly id: number; readonly because: Cause }
  | { readonly type: 'exited'; readonly id: number; readonly code: number | null; readonly signal: string | null }
  | { readonly type: 'stop-asked' }
  | { readonly type: 'halt-asked' }
  /** Also the first word: an empty fleet is a gap to be closed. */
  | { readonly type: 'time-passed' };
