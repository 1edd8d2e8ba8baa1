// Every order that the fleet's machine can give.
import type { Cause } from '../worker/protocol.js';
import type { Reached } from './health.js';
import type { Failure } from './reload-state.js';
import type { Policy } from './state.js';

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
  /** It is silent: it is opened from outside, and then its call is ended, it is killed, or left as it is. */
  | {
      readonly type: 'examine';
      readonly id: number;
      readonly onHang: Policy['health']['onHang'];
      readonly hangMs: number;
    }
  /** Its event loop has come back; `guilty`: because its call was ended, and whose that was is to be answered. */
  | { readonly type: 'freed'; readonly id: number; readonly guilty: boolean }
  /** It has come to a limit, and is to be replaced. */
  | { readonly type: 'recycle'; readonly id: number; readonly reached: Reached }
  /** Every slot has failed too often in a row. */
  | { readonly type: 'give-up'; readonly failures: number }
  /** A reload is over; without a failure its generation serves everywhere. */
  | { readonly type: 'reloaded'; readonly generation: number; readonly failure: Failure | undefined }
  /** Nobody is left, and nobody is wanted. */
  | { readonly type: 'finish' };
