// The active domain, and an emitter's, where programs written for node:domain look for them. Where node:domain is loaded
// too, both are its own.
import { AsyncResource } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import { current } from './current.js';
import type { Domain } from './domain.js';
import { once, shared } from './shared.js';

export function show(): void {
  once('visible', () => {
    showAt(process, {
      get: activeDomain,
      set: (value: unknown) => current.enterWith(isDomain(value) ? value : undefined),
      enumerable: true,
    });
    showAt(EventEmitter.prototype, {
      get(this: EventEmitter) {
        return shared.keeperOf(this);
      },
      set: setDomain,
    });
    showAt(AsyncResource.prototype, {
      get(this: AsyncResource) {
        return this.runInAsyncScope(() => current.getStore());
      },
      set: shadow,
    });
  });
}

/**
 * Node itself looks here when a promise is rejected, and would then tell the domain in place of the process and of the
 * program's listeners, who would never hear. It is told that there is none; the rejection comes home as all errors do.
 */
function activeDomain(): Domain | null | undefined {
  const active = current.getStore();
  if (active === undefined) return shared.absent;
  return caller(activeDomain).includes('node:internal/process/promises') ? undefined : active;
}

function caller(callee: (...args: never[]) => unknown): string {
  const stackTraceLimit = Reflect.get(Error, 'stackTraceLimit');
  const prepareStackTrace = Reflect.get(Error, 'prepareStackTrace');
  const trace: { stack?: string } = {};
  Reflect.set(Error, 'stackTraceLimit', 1);
  Reflect.set(Error, 'prepareStackTrace', undefined);
  Error.captureStackTrace(trace, callee);
  const { stack = '' } = trace;
  Reflect.set(Error, 'stackTraceLimit', stackTraceLimit);
  Reflect.set(Error, 'prepareStackTrace', prepareStackTrace);
  return stack;
}

/** Of this copy of the package or of another. */
const isDomain = (value: unknown): value is Domain => typeof (value as Domain | null | undefined)?.claim === 'function';

function showAt(where: object, descriptor: PropertyDescriptor): void {
  // node:domain came first, and works by its own.
  if (Object.getOwnPropertyDescriptor(where, 'domain')?.get !== undefined) return;
  Object.defineProperty(where, 'domain', { enumerable: false, ...descriptor, configurable: true });
}

/** Any other value is a property of the program's own that happens to have this name. */
function setDomain(this: EventEmitter, value: unknown): void {
  if (!isDomain(value) && value !== null && value !== undefined) return shadow.call(this, value);
  const keeper = shared.keeperOf(this);
  // Assigned to another, it is no longer registered with the one it was in.
  if (keeper !== undefined && keeper !== value) keeper.remove(this);
  shared.keep(this, value ?? undefined);
}

function shadow(this: object, value: unknown): void {
  Object.defineProperty(this, 'domain', { value, configurable: true, enumerable: true, writable: true });
}
