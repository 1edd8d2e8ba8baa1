// One operation of a session: a domain whose first word, a result or an error, is its last.
import { current } from './current.js';
import { decorate } from './decorate.js';
import { type Claim, Domain } from './domain.js';

export type Done<R> = (result?: R) => void;
/**
 * Calls `done`, or returns a promise, whose end is the operation's unless `done` was called before; `signal` is aborted when
 * nobody waits for it any more.
 */
export type Run<R> = (done: Done<R>, signal: AbortSignal) => unknown;

export type Outcome<R> =
  | { readonly name: string; readonly status: 'open' }
  | { readonly name: string; readonly status: 'done'; readonly result: R | undefined }
  | { readonly name: string; readonly status: 'failed'; readonly error: unknown };

export class Operation<R> extends Domain {
  override readonly name: string;
  #completed: ((outcome: Outcome<R>) => void) | undefined;

  constructor(name: string, session: Domain, completed: (outcome: Outcome<R>) => void) {
    super(session);
    this.name = name;
    this.#completed = completed;
  }

  start(run: Run<R>, signal: AbortSignal): void {
    let calls = 0;
    const done = (result?: R): void => {
      if (calls++ > 0) this.#reportAgain();
      else this.#complete({ name: this.name, status: 'done', result });
    };
    try {
      const promise = this.run(run, done, signal);
      if (!isThenable<R>(promise)) return;
      const settle = (result: R): void => {
        if (calls === 0) done(result);
      };
      this.run(() => promise.then(settle, (error: unknown) => this.#broke(error)));
    } catch (error) {
      this.#broke(error);
    }
  }

  /** Once it has ended, this is the session's to hear, and after that it fails like anything else that runs in here. */
  #broke(error: unknown): void {
    if (this.#completed !== undefined) return this.fail(error);
    if (this.enclosing?.claim(error, 'uncaughtException') === 'handled') return;
    current.run(this, () =>
      process.nextTick(() => {
        throw error;
      }),
    );
  }

  /** @internal */
  fail(error: unknown): void {
    this.#complete({ name: this.name, status: 'failed', error });
  }

  /** What fails after the operation has ended goes to the session, or, when that has ended too, to its parent. @internal */
  override claim(error: unknown, _origin: string): Claim {
    if (this.#completed === undefined) return 'unclaimed';
    decorate(error, this);
    this.fail(error);
    return 'handled';
  }

  #complete(outcome: Outcome<R>): void {
    const completed = this.#completed;
    this.#completed = undefined;
    completed?.(outcome);
  }

  #reportAgain(): void {
    process.emitWarning(`The operation ${this.name} of a session has called back more than once`, {
      code: 'CORDON_CALLED_TWICE',
    });
  }
}

const isThenable = <R>(value: unknown): value is PromiseLike<R> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
