// `promise.domain`, for as long as somebody asks for it.
import { createHook } from 'node:async_hooks';
import { current } from './current.js';

let trackers = 0;

// Promises of VM contexts are no instances of this Promise: the property would lead out of the sandbox.
const hook = createHook({
  init(_id, type, _trigger, resource) {
    if (type !== 'PROMISE' || !(resource instanceof Promise)) return;
    const domain = current.getStore();
    if (domain === undefined) return;
    Reflect.defineProperty(resource, 'domain', {
      value: domain,
      configurable: true,
      enumerable: false,
      writable: true,
    });
  },
});

export function trackPromises(): Disposable & { stop(): void } {
  if (trackers++ === 0) hook.enable();
  let tracking = true;
  const stop = (): void => {
    if (!tracking) return;
    tracking = false;
    if (--trackers === 0) hook.disable();
  };
  return { stop, [Symbol.dispose]: stop };
}
