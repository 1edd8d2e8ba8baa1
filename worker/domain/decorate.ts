// What an error tells of its way: the fields that node:domain documents, and their names as of Node 0.8.
import type { EventEmitter } from 'node:events';
import type { Domain } from './domain.js';
import { shared } from './shared.js';

/** How an error came to a domain. */
export interface Route {
  /** Thrown or rejected, as opposed to emitted or passed to a bound callback. */
  readonly thrown: boolean;
  readonly emitter?: EventEmitter;
  readonly bound?: (...args: never[]) => unknown;
}

export const thrown: Route = { thrown: true };

/** Runs `fn`, in which domains are offered an error that came by `way`. */
export function routed<R>(way: Route, fn: () => R): R {
  const { route, decorated } = shared;
  shared.route = way;
  shared.decorated = undefined;
  try {
    return fn();
  } finally {
    shared.route = route;
    shared.decorated = decorated;
  }
}

/** The first domain that handles an error is the one it names; passed on from there, it keeps that name. */
export function decorate(error: unknown, domain: Domain): void {
  if (error === shared.decorated || error === null || (typeof error !== 'object' && typeof error !== 'function'))
    return;
  shared.decorated = error;
  const { route } = shared;
  const fields = {
    domain,
    domainEmitter: route.emitter,
    domainBound: route.bound,
    domainThrown: route.thrown,
    domain_emitter: route.emitter,
    domain_bound: route.bound,
    domain_thrown: route.thrown,
  };
  for (const [name, value] of Object.entries(fields))
    if (value !== undefined || has(error, name)) mark(error, name, value);
}

/** A hidden field on an error. One that is frozen, or a proxy that refuses, stays as it is: nothing is thrown over that. */
export function mark(error: object, name: string, value: unknown): void {
  try {
    Reflect.defineProperty(error, name, { value, configurable: true, enumerable: false, writable: true });
  } catch {}
}

/** Whether it has a field of this name; a proxy that will not say has. */
export function has(error: object, name: string): boolean {
  try {
    return Object.hasOwn(error, name);
  } catch {
    return true;
  }
}
