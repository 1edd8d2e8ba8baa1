// `cordon/worker`: what a program may say to the worker that it runs in, and hear of it. Outside of cordon all of it is there, and
// does nothing.

import type { RequestName } from './protocol.js';
import type { Registry } from './registry.js';

/** Why a worker drains: `stop`, `fault`, `reload` and the like. */
export type Reason = string;

/** What it returns is awaited, at most until the kill timer. */
export type DrainListener = (reason: Reason) => unknown;

export type Moment = 'drain' | 'drained';

/** The request that is being served here. */
export interface CurrentRequest extends RequestName {
  /**
   * What all requests of this kind are called, such as `/users/:id`: metrics count by it. Undefined until it is said. At most a
   * hundred are told apart; a path is none.
   */
  route: string | undefined;
}

/** What a worker offers to its program. */
export interface Offer {
  currentRequest(): CurrentRequest | undefined;
  report(error: unknown, context: unknown): void;
  collect(registry: Registry): void;
  hear(moment: Moment, listener: DrainListener): () => void;
}

/** One for the whole process, however many copies of this package the program has loaded. */
export const OFFER = Symbol.for('cordon.worker/1');

const offer = (): Offer | undefined => (globalThis as { [OFFER]?: Offer })[OFFER];

/** Says that this worker is ready to serve, where `ready.on` is `message`. */
export function ready(): void {
  if (offer()) process.send?.('ready');
}

/**
 * Calls `listener` when this worker begins to drain, with the reason. What it returns is awaited before the process ends, at most
 * until the kill timer. Requests are still running then, and those on their way are still answered: a framework's own `close` and
 * the end of a database pool belong into `onDrained`. Returns a function that takes the listener away.
 */
export const onDrain = (listener: DrainListener): (() => void) => offer()?.hear('drain', listener) ?? (() => {});

/** As `onDrain`, but called when no request and no connection is left. */
export const onDrained = (listener: DrainListener): (() => void) => offer()?.hear('drained', listener) ?? (() => {});

/** The request in whose name this code runs; undefined outside of any. */
export const currentRequest = (): CurrentRequest | undefined => offer()?.currentRequest();

/**
 * Writes an error that the program has handled itself into the book of errors, with the request that met it. The worker goes on.
 * `context`: what else is to be known of it, as JSON; at most 4 KiB are kept.
 */
export const report = (error: unknown, context?: unknown): void => offer()?.report(error, context);

/** A registry of prom-client's whose metrics are to be in cordon's `/metrics`. The one that prom-client has itself is. */
export const collect = (registry: Registry): void => offer()?.collect(registry);
