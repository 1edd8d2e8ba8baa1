// Membership of event emitters: one hidden property on the emitter, and one check in `emit`, which is all that an emitter
// without a domain ever pays. Emitters made while a domain is active belong to it.
import { EventEmitter } from 'node:events';
import { current } from './current.js';

export const kDomain = Symbol('cordon.domain');
export const kEmit = Symbol('cordon.emit');

export type Emit = (this: EventEmitter, type: string | symbol, ...args: unknown[]) => boolean;
export type Member = EventEmitter & { [kDomain]?: Keeper };

/** What an emitter's domain has to be able to do. */
interface Keeper {
  [kEmit](emitter: Member, emit: Emit, args: Parameters<Emit>): boolean;
}

type Init = (this: Member, options?: object) => void;
let intercepting = false;

/** Called by the first domain; without domains the emitters of the process are left as they are. */
export function intercept(): void {
  if (intercepting) return;
  intercepting = true;
  const emitters = EventEmitter as unknown as { init: Init };
  const { init } = emitters;
  const emit = EventEmitter.prototype.emit as Emit;

  emitters.init = function (options) {
    const domain = current.getStore();
    if (domain !== undefined) this[kDomain] = domain;
    init.call(this, options);
  };
  EventEmitter.prototype.emit = function (this: Member): boolean {
    const keeper = this[kDomain];
    // `arguments`, not rest parameters: forwarded as they are, they cost nothing.
    // oxlint-disable-next-line prefer-rest-params
    const args = arguments as unknown as Parameters<Emit>;
    return keeper === undefined ? emit.apply(this, args) : keeper[kEmit](this, emit, args);
  };
}
