// What the supervisor and the process that opens a stuck worker say to each other.
import type { RequestName } from '../../worker/protocol.js';

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
  /** Whether the stuck call is to be ended. */
  readonly free: boolean;
}

export type Finding =
  /** Where it is stuck, innermost first, and in which request. */
  | { readonly type: 'stack'; readonly frames: readonly Frame[]; readonly request: RequestName | undefined }
  /** It was told to end the call. Whether its event loop comes back, its beats say. */
  | { readonly type: 'terminated' }
  | { readonly type: 'failed'; readonly why: string };

/** Deeper ones add nothing to where it is stuck. */
export const MOST_FRAMES = 30;
