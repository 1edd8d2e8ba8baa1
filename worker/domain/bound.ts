// What `bind` and `intercept` need to know of functions and errors that are somebody else's.
import type { Domain } from './domain.js';

const { types } = process.getBuiltinModule('node:util');

/** What old programs look for on a bound function. */
export const asBound = <F extends object>(bound: F, domain: Domain): F =>
  Object.defineProperty(bound, 'domain', { value: domain, configurable: true, enumerable: false, writable: true });

/** Of this realm or of another. A proxy that will not say is none. */
export function isError(value: unknown): boolean {
  try {
    return types.isNativeError(value) || value instanceof Error;
  } catch {
    return false;
  }
}
