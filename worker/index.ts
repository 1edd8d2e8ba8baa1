// `cordon/worker`: what a program may say to the worker that it runs in. Outside of cordon all of it is harmless.

import type { RequestName } from './protocol.js';
import type { Registry } from './registry.js';

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
}

/** One for the whole process, however many copies of this package the program has loaded. */
export const OFFER = Symbol.for('cordon.worker/1');

const offer = (): Offer | undefined => (globalThis as { [OFFER]?: Offer })[OFFER];

/** The request in whose name this code runs; undefined outside of any. */
export const currentRequest = (): CurrentRequest | undefined => offer()?.currentRequest();

/**
 * Writes an error that the program has handled itself into the book of errors, with the request that met it. The worker goes on.
 * `context`: what else is to be known of it, as JSON; at most 4 KiB are kept.
 */
export const report = (error: unknown, context?: unknown): void => offer()?.report(error, context);

/** A registry of prom-client's whose metrics are to be in cordon's `/metrics`. The one that prom-client has itself is. */
export const collect = (registry: Registry): void => offer()?.collect(registry);
