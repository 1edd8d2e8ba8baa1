// What is said between the supervisor and the process that reads a configuration for it.
import type { Places } from './problem.js';

/** What is to be read. Said once. */
export interface ToReader {
  readonly file: string;
  readonly deadlineMs: number;
}

/** What came of it. Said once. */
export type Reading =
  | { readonly type: 'read'; readonly value: unknown; readonly places: Places | undefined }
  /** Each says what, after the file's name; `at` is a line and column where they are known. */
  | { readonly type: 'broken'; readonly problems: readonly { readonly at: string; readonly says: string }[] };

export const broken = (says: string): Reading => ({ type: 'broken', problems: [{ at: '', says }] });
