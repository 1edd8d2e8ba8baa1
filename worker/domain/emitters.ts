// Membership of event emitters: one hidden mark on the emitter, and one look at it in `emit`, which is all that an emitter
// without a domain ever pays. Emitters made while a domain is active belong to it.
import { EventEmitter } from 'node:events';
import { current } from './current.js';
import type { Domain } from './domain.js';
import { isHeard } from './heard.js';
import { type Emit, once, shared } from './shared.js';

/** The method with which a domain runs an event of one of its emitters. */
export const kEmit = Symbol.for('cordon.emit/1');

export type { Emit };

const { begin, domainOf, joined, keep } = shared;
const listenerCount = Reflect.get(EventEmitter.prototype, 'listenerCount') as (
  this: EventEmitter,
  type: string,
) => number;
let plainEmit = Reflect.get(EventEmitter.prototype, 'emit') as Emit;

/** Most events: the program does not hear them, and no domain minds. One that an emitter is over with is a request's end. */
const isNobodys = (emitter: EventEmitter, type: string | symbol): boolean =>
  type !== 'error' && type !== 'close' && !isHeard(emitter, type);

/** Called by the first domain; without domains the emitters of the process are left as they are. */
export function intercept(): void {
  once('emitters', () => {
    const emitters = EventEmitter as unknown as { init: (this: EventEmitter, options?: object) => void };
    const { init } = emitters;
    const emit = Reflect.get(EventEmitter.prototype, 'emit') as Emit;
    plainEmit = emit;

    emitters.init = function (options) {
      const domain = current.getStore();
      // Without a domain too: put on it now, the field costs least, and whoever meets emitters meets them all in one shape.
      begin(this, domain);
      if (joined.size > 0 && domain !== undefined) for (const tell of joined) tell(this, domain);
      init.call(this, options);
    };
    const emitWithin = function (this: EventEmitter): boolean {
      // oxlint-disable-next-line prefer-rest-params
      return (domainOf(this) as Domain)[kEmit](this, emit, arguments as unknown as Parameters<Emit>);
    };
    // `arguments`, not rest parameters: where a function does nothing but forward them as they are, they are never made.
    EventEmitter.prototype.emit = function (this: EventEmitter, type: string | symbol): boolean {
      const is = domainOf(this) === undefined || isNobodys(this, type) ? emit : emitWithin;
      // oxlint-disable-next-line prefer-rest-params
      return is.apply(this, arguments as unknown as Parameters<Emit>);
    };
  });
}

/** Makes an emitter a member without registering it: its unheard errors, and what its listeners throw, are this domain's. */
export function adopt(domain: Domain, emitter: EventEmitter): void {
  keep(emitter, domain);
}

/** Whether an `'error'` event would throw, because nobody listens. */
export function isUnheard(emitter: EventEmitter, type: unknown): boolean {
  return type === 'error' && listenerCount.call(emitter, 'error') === 0 && !hasForeignDomain(emitter);
}

/** An emitter of a domain of node:domain's is left to that one, which the program has chosen itself. */
function hasForeignDomain(emitter: EventEmitter): boolean {
  if (!Object.hasOwn(emitter, 'domain')) return false;
  const domain = Reflect.get(emitter, 'domain') as object | null | undefined;
  return typeof domain === 'object' && domain !== null && '_errorHandler' in domain;
}

/** What an emitter throws that is told to emit an error, and not which. */
export function unspecified(): unknown {
  try {
    return plainEmit.call(Object.create(EventEmitter.prototype) as EventEmitter, 'error');
  } catch (error) {
    return error;
  }
}
