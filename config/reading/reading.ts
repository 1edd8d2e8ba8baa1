// What is said between the supervisor and the process that reads a configuration for it.
import type { Places } from '../problem.js';

/** What is to be read. Said once. */
export interface ToReader {
  readonly file: string;
  /** How long code may take. A machine that is slow to start the reader is not its fault. */
  readonly deadlineMs: number;
  /** What a configuration that is code sees as `process.env`, and gets as `env` where it exports a function. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What it gets as `mode`. */
  readonly mode: string | undefined;
  /** Whether it is pm2's, whose JSON may have comments. */
  readonly pm2: boolean;
}

/** What came of it. Said once. */
export type Reading =
  | { readonly type: 'read'; readonly value: unknown; readonly places: Places | undefined }
  /** Each says what, after the file's name; `at` is a line and column where they are known. */
  | { readonly type: 'broken'; readonly problems: readonly { readonly at: string; readonly says: string }[] };

/** What the thread says: before anything of the operator's runs, from when on the time counts, and what came of it. */
export type FromThread = { readonly type: 'runs' } | Reading;

export const broken = (says: string): Reading => ({ type: 'broken', problems: [{ at: '', says }] });
