// What `cordon/worker` reaches: put in place when the worker starts, before the program runs.
import { current } from './domain/current.js';
import type { Domain } from './domain/domain.js';
import { type CurrentRequest, OFFER, type Offer } from './index.js';
import type { Program } from './program.js';
import { addRegistry } from './registry.js';
import { Request } from './request.js';

export function offerToProgram(
  program: Program,
  tell: (error: unknown, context: unknown, request: Request | undefined) => void,
): void {
  const offer: Offer = {
    hear: (moment, listener) => program.hear(moment, listener),
    currentRequest: () => {
      const request = requestOf(current.getStore());
      return request && told(request);
    },
    report: (error, context) => tell(error, context, requestOf(current.getStore())),
    collect: addRegistry,
  };
  Object.defineProperty(globalThis, OFFER, { value: offer, configurable: true });
}

/** Its own domain, or one around those that the program has made within it. */
export function requestOf(domain: Domain | undefined): Request | undefined {
  for (
    let around = domain, depth = 0;
    around !== undefined && depth < 100;
    around = around.parent ?? around.enclosing, depth++
  )
    if (around instanceof Request) return around;
  return undefined;
}

function told(request: Request): CurrentRequest {
  const { method, path, id } = request.description;
  return {
    method,
    path,
    id,
    get route() {
      return request.route;
    },
    set route(route) {
      // A program in plain JavaScript may say anything.
      request.route = typeof route === 'string' ? route : undefined;
    },
  };
}
