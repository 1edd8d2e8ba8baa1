// What the supervisor and the process that opens a stuck worker say to each other.
import type { RequestDetail } from '../../worker/protocol.js';

export interface Frame {
  /** `<anonymous>` where it has no name. */
  readonly name: string;
  /** A path, or a URL of Node's own. Of the source where a source map says which. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

export interface Orders {
  readonly url: string;
  /** The stuck call is to be ended, the worker is to be killed, or left as it is. */
  readonly onHang: 'free' | 'kill' | 'report';
  /** A worker that has been silent for less than half of this is not stuck, or not any more. */
  readonly hangMs: number;
}

export type Finding =
  /** Where it is stuck, innermost first, and in which request. */
  | { readonly type: 'stack'; readonly frames: readonly Frame[]; readonly request: RequestDetail | undefined }
  /** The call is being ended. Whether its event loop comes back, its beats say. */
  | { readonly type: 'terminated' }
  /** The call cannot be ended without the process, or is not to be: all that was open has been answered 503. */
  | { readonly type: 'doomed' }
  /** It was only slow, and goes on as it was. */
  | { readonly type: 'awake' }
  | { readonly type: 'failed'; readonly why: string };

/** Deeper ones add nothing to where it is stuck. */
export const MOST_FRAMES = 30;
