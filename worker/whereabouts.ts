// What a stuck worker can still be asked. Nothing runs in it but the loop it is stuck in; an inspector that has paused it evaluates
// one expression there, and this is what the expression calls. Sockets are written to at once, so that even a worker that is never
// to run again can answer.
import { type Place, WHEREABOUTS } from './protocol.js';
import type { Request } from './request.js';

interface Means {
  /** The request that runs at this very moment. */
  readonly current: () => Request | undefined;
  readonly detail: (request: Request) => NonNullable<Place['request']>;
  /** Answers 503 to all that is open, and tells so. */
  readonly cut: () => void;
}

export class Whereabouts {
  #beatAt = performance.now();
  #guilty: Request | undefined;

  constructor({ current, detail, cut }: Means) {
    const tell = (doomed?: boolean): string => {
      if (doomed === true) cut();
      const request = current();
      this.#guilty = request;
      const place: Place = {
        request: request === undefined ? null : detail(request),
        silentMs: performance.now() - this.#beatAt,
      };
      return JSON.stringify(place);
    };
    Object.defineProperty(globalThis, Symbol.for(WHEREABOUTS), { value: tell, configurable: true });
  }

  /** The event loop goes round. */
  beat(): void {
    this.#beatAt = performance.now();
  }

  /** Nobody looks in any more: the door is shut. Whoever held the loop up until it was ended gets 503. */
  freed(guilty: boolean): void {
    void import('node:inspector').then((inspector) => inspector.close());
    if (guilty) this.#guilty?.cut();
    this.#guilty = undefined;
  }
}
