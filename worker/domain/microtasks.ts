// On Node 20 and 22 the context of a microtask is gone by the time the process hears of what it threw.
import { current } from './current.js';
import { remember } from './memory.js';
import { once } from './shared.js';

const losesContext = Number.parseInt(process.versions.node, 10) < 24;

export function carryMicrotasks(): void {
  if (!losesContext) return;
  once('microtasks', () => {
    const original = globalThis.queueMicrotask;
    const standIn = {
      queueMicrotask(this: void, callback: () => void): void {
        const domain = current.getStore();
        if (domain === undefined || typeof callback !== 'function') return original(callback);
        original(() => {
          try {
            callback();
          } catch (error) {
            remember(error, domain);
            throw error;
          }
        });
      },
    };
    Object.defineProperty(globalThis, 'queueMicrotask', {
      ...Object.getOwnPropertyDescriptor(globalThis, 'queueMicrotask'),
      value: standIn.queueMicrotask,
    });
  });
}
