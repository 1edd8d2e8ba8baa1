// An error context: whatever fails in it, at once or later, is told to it. Built on AsyncLocalStorage, so that it costs a
// fraction of node:domain. Every request of a worker has one, so making and running one must cost next to nothing; all
// that is only needed sometimes is made when it is first asked for.
//
//   emitters.ts   event emitters as members          escaped.ts   what nobody caught is brought home
//   stack.ts      which domains are entered          memory.ts    out of which domain an error was thrown
//   members.ts    what can be added, and its end     decorate.ts  what an error tells of its way
import { EventEmitter } from 'node:events';
import { asBound, isError } from './bound.js';
import { watchCapture } from './capture.js';
import { current } from './current.js';
import { decorate } from './decorate.js';
import { type Emit, intercept, isUnheard, kEmit, unspecified } from './emitters.js';
import { deliver, listenForEscaped } from './escaped.js';
import { isHeard } from './heard.js';
import {
  exclude,
  includes,
  including,
  isWithin,
  join,
  leave,
  type Members,
  type Membership,
  shutDown,
} from './members.js';
import { remember } from './memory.js';
import { carryMicrotasks } from './microtasks.js';
import { trackPromises } from './promises.js';
import { once, shared } from './shared.js';
import { around, enteredBelow, frames, popTo, push } from './stack.js';

/** What became of an error that was offered to a domain. */
export type Claim =
  /** Somebody dealt with it: nobody else need hear of it. */
  | 'handled'
  /** Its harm is contained, but the program's own error listeners are still told, as they would have been. */
  | 'contained'
  /** Nobody here wanted it. */
  | 'unclaimed';

export interface DomainEvents {
  error: [error: unknown];
  dispose: [];
}

/** Everything of an EventEmitter but its constructor, which few domains are ever asked to have run: it can wait. */
const UnmadeEmitter = function () {} as unknown as typeof EventEmitter<DomainEvents>;
UnmadeEmitter.prototype = EventEmitter.prototype as EventEmitter<DomainEvents>;

/**
 * Puts in place what domains need of the process. The first domain does; a program may do so earlier, so that a capture
 * callback which it sets later is one that domains know of.
 */
export function switchOn(): void {
  if (on) return;
  once('all', () => {
    watchCapture();
    intercept();
    listenForEscaped();
    carryMicrotasks();
  });
  on = true;
}

/** Asked for every domain that is made, so it is not asked of `shared`. */
let on = false;

export class Domain extends UnmadeEmitter {
  /** Free for the program to use; shown nowhere but in messages. */
  declare name?: string;
  /** The domain that was active where this one was made: where its own failures go. */
  readonly enclosing: Domain | undefined;
  #members: Members | undefined;
  #controller: AbortController | undefined;
  #disposed = false;

  constructor(enclosing: Domain | undefined = current.getStore()) {
    super();
    this.enclosing = enclosing;
    switchOn();
  }

  /** The domain that is active now, if any. */
  static current(): Domain | undefined {
    return current.getStore();
  }

  /**
   * Gives the promises made in a domain from now on a property `domain`, as node:domain does. It takes a hook on every
   * promise of the process, which costs; the last tracker that is stopped takes the hook away.
   */
  static trackPromises(): Disposable & { stop(): void } {
    return trackPromises();
  }

  /** The emitters, timers and domains that were added, in that order. */
  get members(): Membership[] {
    return [...(this.#members ?? [])];
  }

  /** Aborted when this domain is disposed. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#disposed) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  /** The domain that this one was added to. */
  get parent(): Domain | undefined {
    return shared.keeperOf(this);
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  /** Runs `fn` in this domain and returns what it returns. What it throws is thrown on, but will be known as this domain's. */
  run<A extends unknown[], R>(fn: (this: this, ...args: A) => R, ...args: A): R {
    return this.#inside(fn, this, args);
  }

  #inside<T, A extends unknown[], R>(fn: (this: T, ...args: A) => R, self: T, args: A): R {
    const depth = push(this);
    try {
      return current.run(this, Reflect.apply, fn as (...args: unknown[]) => unknown, self, args) as R;
    } catch (error) {
      remember(error, this, enteredBelow(depth));
      throw error;
    } finally {
      popTo(depth);
    }
  }

  /** Makes this the active domain, until `exit`. `run` is to be preferred: it cannot be forgotten to end. */
  enter(): void {
    push(this);
    current.enterWith(this);
  }

  /** Ends the innermost stay in this domain, and in those entered within it. Those around it stay. */
  exit(): void {
    const entered = frames();
    const index = entered.lastIndexOf(this);
    if (index === -1) return;
    popTo(index);
    current.enterWith(entered.at(-1));
  }

  /**
   * Makes an emitter or a timer a member, wherever it was made; it leaves the domain that it was in. A domain that is added
   * passes on to this one what nobody hears, and is disposed with it.
   */
  add(member: Membership): void {
    if ((this.#members !== undefined && includes(this.#members, member)) || isWithin(this, member)) return;
    join(member, this);
    this.#members = this.#members === undefined ? [member] : including(this.#members, member);
  }

  remove(member: Membership): void {
    if (this.#members !== undefined) exclude(this.#members, member);
    leave(member, this);
  }

  /** `callback`, to be run in this domain by whoever calls it. Once the domain is disposed it does nothing. */
  bind<T, A extends unknown[], R>(callback: (this: T, ...args: A) => R): (this: T, ...args: A) => R {
    const call = (self: T, args: A): R => this.#inside(callback, self, args);
    const isOver = (): boolean => this.#disposed;
    function bound(this: T, ...args: A): R {
      // A callback that is no longer called has nothing to return.
      return isOver() ? (undefined as R) : call(this, args);
    }
    return asBound(bound, this);
  }

  /**
   * Like `bind`, for a callback that takes an error first: an `Error` goes to this domain instead, and the callback gets
   * the rest of the arguments alone.
   */
  intercept<T, A extends unknown[], R>(
    callback: (this: T, ...args: A) => R,
  ): (this: T, error: unknown, ...args: A) => R | undefined {
    const call = (self: T, args: A): R => this.#inside(callback, self, args);
    const take = (error: unknown): boolean => this.#disposed || this.#intercept(error, callback);
    function intercepted(this: T, error: unknown, ...args: A): R | undefined {
      return take(error) ? undefined : call(this, args);
    }
    return asBound(intercepted, this);
  }

  #intercept(error: unknown, bound: (...args: never[]) => unknown): boolean {
    if (!isError(error)) return false;
    if (!deliver(error, { thrown: false, bound }, this, around(current.getStore()))) throw error;
    return true;
  }

  /**
   * Ends what this domain stands for: its signal is aborted, its members are ended and destroyed, its timers cleared, what
   * was bound to it is no longer called, and of further errors nothing is heard.
   */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#controller?.abort();
    const members = this.members;
    this.#members = undefined;
    for (const member of members) shutDown(member);
    this.parent?.remove(this);
    this.emit('dispose');
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.dispose();
  }

  /**
   * Offers an error that nobody caught. A domain without an `'error'` listener does not swallow it: it goes outwards.
   * @internal
   */
  claim(error: unknown, _origin: string): Claim {
    if (this.#disposed) return 'handled';
    if (this.listenerCount('error') === 0) return 'unclaimed';
    decorate(error, this);
    this.emit('error', error);
    return 'handled';
  }

  /** An event of one of this domain's emitters: its listeners run in here, and an unheard error is this domain's. @internal */
  [kEmit](emitter: EventEmitter, emit: Emit, args: Parameters<Emit>): boolean {
    if (args[0] === 'error' && isUnheard(emitter, 'error')) return this.#hear(emitter, emit, args);
    if (!isHeard(emitter, args[0]) || current.getStore() === this) return emit.apply(emitter, args);
    return this.#inside(emit, emitter, args);
  }

  #hear(emitter: EventEmitter, emit: Emit, args: Parameters<Emit>): boolean {
    const error = args[1] || unspecified();
    if (!deliver(error, { thrown: false, emitter }, this, around(current.getStore()))) return emit.apply(emitter, args);
    if (emitter.listenerCount(EventEmitter.errorMonitor) > 0) emitter.emit(EventEmitter.errorMonitor, error);
    return false;
  }
}

export { adopt } from './emitters.js';
