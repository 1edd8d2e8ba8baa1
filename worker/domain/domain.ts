// An error context: whatever fails in it, at once or later, is told to it. Built on AsyncLocalStorage, so that it costs a
// fraction of node:domain; `emitters.ts` makes event emitters members, `escaped.ts` brings home what nobody caught.
import { EventEmitter } from 'node:events';
import { current } from './current.js';
import { type Emit, intercept, kDomain, kEmit, type Member } from './emitters.js';
import { listenForEscaped, remember } from './escaped.js';

/** What became of an error that was offered to a domain. */
export type Claim =
  /** Somebody dealt with it: nobody else need hear of it. */
  | 'handled'
  /** Its harm is contained, but the program's own error listeners are still told, as they would have been. */
  | 'contained'
  /** Nobody here wanted it. */
  | 'unclaimed';

export class Domain extends EventEmitter {
  /** The domain that was active where this one was made: where its own failures go. */
  readonly enclosing: Domain | undefined;

  constructor() {
    super();
    this.enclosing = current.getStore();
    intercept();
    listenForEscaped();
  }

  /** The domain that is active now, if any. */
  static current(): Domain | undefined {
    return current.getStore();
  }

  /** Runs `fn` in this domain and returns what it returns. What it throws is thrown on, but will be known as this domain's. */
  run<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): R {
    try {
      return current.run(this, fn, ...args);
    } catch (error) {
      remember(error, this);
      throw error;
    }
  }

  /**
   * Offers an error that nobody caught. A domain without an `'error'` listener does not swallow it: it goes to the enclosing one.
   * @internal
   */
  claim(error: unknown, origin: string): Claim {
    if (this.listenerCount('error') === 0) return this.enclosing?.claim(error, origin) ?? 'unclaimed';
    current.run(this.enclosing, () => this.emit('error', error));
    return 'handled';
  }

  /** An event of one of this domain's emitters: its listeners run in here. @internal */
  [kEmit](emitter: Member, emit: Emit, args: Parameters<Emit>): boolean {
    if (current.getStore() === this) return emit.apply(emitter, args);
    try {
      return current.run(this, () => emit.apply(emitter, args));
    } catch (error) {
      remember(error, this);
      throw error;
    }
  }
}

/** Makes an emitter a member: what its listeners throw, and its unheard errors, are this domain's. @internal */
export function adopt(domain: Domain, emitter: EventEmitter): void {
  (emitter as Member)[kDomain] = domain;
}
