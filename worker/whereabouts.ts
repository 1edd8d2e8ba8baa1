// What a stuck worker can still be asked. Nothing runs in it but the loop it is stuck in; an inspector that has paused it evaluates
// one expression there, and this is what the expression calls.
import { type RequestName, WHEREABOUTS } from './protocol.js';

/** `current` names the request that runs at this very moment. */
export function tellWhereabouts(current: () => RequestName | undefined): void {
  Object.defineProperty(globalThis, Symbol.for(WHEREABOUTS), {
    value: () => JSON.stringify(current() ?? null),
    configurable: true,
  });
}
