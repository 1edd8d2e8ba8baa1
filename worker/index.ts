// What a program may say to the worker that it runs in, and hear of it. Outside of cordon everything here is there, and does nothing.
import { type Program, programKey, type Reason } from './program.js';

export type { Reason } from './program.js';

/** One request, as cordon's log and book of errors name it. */
export interface CurrentRequest {
  readonly method: string;
  readonly path: string;
  /** Taken over from `x-request-id`, or made. */
  readonly id: string;
}

const worker = (): Program | undefined => (process as unknown as Partial<Record<symbol, Program>>)[programKey];

/** Says that this worker is ready to serve, where `ready.on` is `message`. */
export function ready(): void {
  if (worker()) process.send?.('ready');
}

/**
 * Calls `listener` when this worker begins to drain, with the reason. What it returns is awaited before the process ends, at most
 * until the kill timer. Requests are still running then, and those on their way are still answered: a framework's own `close` and
 * the end of a database pool belong into `onDrained`. Returns a function that takes the listener away.
 */
export function onDrain(listener: (reason: Reason) => unknown): () => void {
  return worker()?.hear('drain', listener) ?? (() => {});
}

/** As `onDrain`, but called when no request and no connection is left. */
export function onDrained(listener: (reason: Reason) => unknown): () => void {
  return worker()?.hear('drained', listener) ?? (() => {});
}

/** Writes an error that the program has caught into the book of errors. The worker is not replaced for it. */
export function report(error: unknown): void {
  worker()?.report(error);
}

/** The request that is being handled here, or nothing where none is. */
export function currentRequest(): CurrentRequest | undefined {
  return worker()?.currentRequest();
}
