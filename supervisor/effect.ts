// Every order that the fleet's machine can give.
import type { Cause } from '../worker/protocol.js';
import type { Failure } from './reload-state.js';

export type Effect =
  | {
      readonly type: 'spawn';
      readonly id: number;
      readonly slot: number;
      readonly generation: number;
      /** It accepts nobody before it is told to serve. */
      readonly held: boolean;
    }
  | { readonly type: 'serve'; readonly id: number }
  | { readonly type: 'drain'; readonly id: number; readonly because: Cause; readonly killTimeoutMs: number }
  | { readonly type: 'kill'; readonly id: number; readonly because: Cause }
  /** A reload is over; without a failure its generation serves everywhere. */
  | { readonly type: 'reloaded'; readonly generation: number; readonly failure: Failure | undefined }
  /** Nobody is left, and nobody is wanted. */
  | { readonly type: 'finish' };
