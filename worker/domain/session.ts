// A group of operations that run at the same time, under one domain. Whatever becomes of each, and however it fails, the
// session counts it once; when it is closed and all are done, it hands over what came of them, in the domain that it was
// opened in.
import { inspect } from 'node:util';
import { current } from './current.js';
import { Domain } from './domain.js';
import { Operation, type Outcome, type Run } from './operation.js';

export interface SessionOptions {
  /** Milliseconds from now after which the operations that are still open are ended; by default, none. */
  readonly limit?: number;
  /** Ends the operations that are still open when it is aborted. */
  readonly signal?: AbortSignal;
}

export type SessionCallback<R> = (session: Session<R>) => void;

/** The time limit of a session ran out. */
export class SessionTimeout extends Error {
  override readonly name = 'SessionTimeout';
  readonly code = 'ERR_SESSION_TIMEOUT';
  readonly limitMs: number;
  /** The names of the operations that were still open, in the order in which they were added. */
  readonly operations: readonly string[];

  constructor(limitMs: number, operations: readonly string[]) {
    super(`The session was not done after ${limitMs} ms; still open: ${operations.join(', ')}`);
    this.limitMs = limitMs;
    this.operations = operations;
  }
}

/** An operation was added to a session that takes no more. */
export class SessionClosed extends Error {
  override readonly name = 'SessionClosed';
  readonly code = 'ERR_SESSION_CLOSED';

  constructor(operation: string) {
    super(`Cannot add ${operation}: the session is closed`);
  }
}

export class Session<R = unknown> {
  /** The domain of all operations; each has one of its own within. */
  readonly domain: Domain;
  /** The domain that the session was opened in, where its callback runs. */
  readonly parentDomain: Domain | undefined;
  /** What the operations gave, in the order in which it came. */
  readonly results: R[] = [];
  /** What went wrong in them, likewise. */
  readonly errors: unknown[] = [];
  /** What became of each operation, in the order in which they were added. */
  readonly outcomes: Outcome<R>[] = [];
  #isClosed = false;
  #ended = false;
  /** What is left is being ended, for one reason. */
  #ending = false;
  readonly #open = new Set<Operation<R>>();
  #callback: SessionCallback<R> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopListening: (() => void) | undefined;

  constructor({ limit, signal }: SessionOptions = {}) {
    if (limit !== undefined && !(typeof limit === 'number' && limit >= 0))
      throw new TypeError(`The limit of a session is a number of milliseconds, and not ${inspect(limit)}`);
    this.parentDomain = current.getStore();
    this.domain = new Domain();
    this.domain.on('error', (error) => this.errors.push(error));
    this.domain.once('dispose', () => this.#endRest(this.domain.signal.reason));
    // Node takes what it cannot count to, Infinity included, for one millisecond.
    if (limit !== undefined && limit < 2 ** 31)
      this.#timer = setTimeout(() => {
        const names = [...this.#open].map(({ name }) => name);
        this.#endRest(new SessionTimeout(limit, names));
      }, limit);
    if (signal !== undefined) this.#listenTo(signal);
  }

  get started(): number {
    return this.outcomes.length;
  }

  get completed(): number {
    return this.started - this.#open.size;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Aborted when the session is disposed, or ends what is left; for operations to hand on to what they call. */
  get signal(): AbortSignal {
    return this.domain.signal;
  }

  /**
   * Starts an operation: one that calls `done(result)` when it is done, or an async function. That it throws, at once or
   * later, rejects, or that an emitter of its own has an error that nobody hears, is its end as well.
   */
  add(operation: Run<R>, name = operation.name): void {
    if (typeof operation !== 'function')
      throw new TypeError('A session needs a function to run, as in session.add(async () => {})');
    const index = this.started;
    const named = name === '' ? `operation ${index + 1}` : name;
    if (this.#isClosed) throw new SessionClosed(named);
    this.outcomes.push({ name: named, status: 'open' });
    const added = new Operation<R>(named, this.domain, (outcome) => this.#completed(added, index, outcome));
    this.#open.add(added);
    added.start(operation, this.signal);
  }

  addOperation(operation: Run<R>, name?: string): void {
    this.add(operation, name);
  }

  /** Takes no more operations. Calls back, or fulfils what it returns, when all are done. */
  close(): Promise<Session<R>>;
  close(callback: SessionCallback<R>): void;
  close(callback?: SessionCallback<R>): Promise<Session<R>> | undefined {
    if (this.#callback !== undefined) throw new SessionClosed('a second callback');
    this.#isClosed = true;
    if (callback !== undefined) {
      this.#callback = callback;
      this.#check();
      return undefined;
    }
    return new Promise((resolve) => {
      this.#callback = resolve;
      this.#check();
    });
  }

  closeSession(callback: SessionCallback<R>): void {
    this.close(callback);
  }

  /** Ends the operations that are left with an AbortError, aborts the signal, and takes no more. */
  dispose(): void {
    this.domain.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #listenTo(signal: AbortSignal): void {
    const abort = (): void => this.#endRest(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    this.#stopListening = () => signal.removeEventListener('abort', abort);
  }

  #endRest(reason: unknown): void {
    if (this.#ended) return;
    this.#isClosed = true;
    if (this.#open.size > 0) this.errors.push(reason);
    this.#ending = true;
    for (const operation of this.#open) operation.fail(reason);
    this.domain.dispose();
  }

  #completed(operation: Operation<R>, index: number, outcome: Outcome<R>): void {
    this.outcomes[index] = outcome;
    this.#open.delete(operation);
    if (outcome.status === 'failed' && !this.#ending) this.errors.push(outcome.error);
    if (outcome.status === 'done' && outcome.result !== undefined) this.results.push(outcome.result);
    this.#check();
  }

  #check(): void {
    if (this.#ended || !this.#isClosed || this.#open.size > 0 || this.#callback === undefined) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#stopListening?.();
    const callback = this.#callback;
    // Only after this turn: what the last operation throws or rejects behind its `done` is still collected.
    current.run(this.parentDomain, () =>
      setImmediate(() => {
        // What fails from now on goes to the parent.
        this.domain.removeAllListeners('error');
        callback(this);
      }),
    );
  }
}
