// Every order that the fleet's machine can give.
import type { Cause } from '../worker/protocol.js';

export type Effect =
  | { readonly type: 'spawn'; readonly id: number; readonly slot: number; readonly generation: number }
  | { readonly type: 'drain'; readonly id: number; readonly because: Cause; readonly killTimeoutMs: number }
  | { readonly type: 'kill'; readonly id: number; readonly because: Cause }
  /** Nobody is left, and nobody is wanted. */
  | { readonly type: 'finish' };
