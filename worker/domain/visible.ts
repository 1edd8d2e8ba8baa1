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
      get: () => current.getStore() ?? shared.absent,
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

/** Of this copy of the package or of another. */
const isDomain = (value: unknown): value is Domain => typeof (value as Domain | null | undefined)?.claim === 'function';

function showAt(where: object, descriptor: PropertyDescriptor): void {
  const known = Object.getOwnPropertyDescriptor(where, 'domain');
  // node:domain came first and does not let go.
  if (known?.configurable === false) return;
  Object.defineProperty(where, 'domain', { enumerable: false, ...descriptor, configurable: true });
}

/** Any other value is a property of the program's own that happens to have this name. */
function setDomain(this: EventEmitter, value: unknown): void {
  if (isDomain(value) || value === null || value === undefined) shared.keep(this, value ?? undefined);
  else shadow.call(this, value);
}

function shadow(this: object, value: unknown): void {
  Object.defineProperty(this, 'domain', { value, configurable: true, enumerable: true, writable: true });
}
