// A domain with an end. It keeps account of everything that can still enter it; when nothing is left, its callback hears
// of it, in the domain that the task was made in.
//
//   reference.ts  what can enter, and whether it still can      watch.ts      how that is noticed
//   relations.ts  listeners on the emitters of others
import { current } from './current.js';
import { decorate, has, mark } from './decorate.js';
import { type Claim, Domain } from './domain.js';
import type { Reference } from './reference.js';
import { listensTo, related, tellOf, touchListeners } from './relations.js';
import { unwatch, watch } from './watch.js';

export type TaskFunction<R> = (done: (result?: R) => void) => unknown;
export type TaskCallback<R> = (error: unknown, result: R | undefined) => void;

/**
 * - `open`: runs, or can still be entered;
 * - `failed`: something was thrown; what was begun is waited for;
 * - `ended`: the callback has been called, or is about to be. */
type Phase = 'open' | 'failed' | 'ended';

/** Runs `fn` in a task of its own. `done(result)` ends it early. */
export const createTask = <R = unknown>(fn: TaskFunction<R>): Task<R> => new Task<R>(fn);

/** What every copy of this package knows a task by. */
const kTask = Symbol.for('cordon.task/1');

export class Task<R = unknown> extends Domain implements PromiseLike<R | undefined> {
  #phase: Phase = 'open';
  #checking = false;
  #told = false;
  #result: R | undefined;
  /** The first is the one that ended it. */
  #errors: unknown[] = [];
  #callback: TaskCallback<R> | undefined;
  /** Settles what is awaited, apart from the callback: neither takes the other's place. */
  #settle: (() => void) | undefined;
  #promise: Promise<R | undefined> | undefined;
  readonly #references = new Set<Reference>();
  readonly #children = new Set<Task>();
  /** Continuations of promises that have not been settled. */
  #continuations = 0;
  readonly #parentTask: Task | undefined;

  /** Runs `fn` in this task, at once. */
  constructor(fn: TaskFunction<R>) {
    if (typeof fn !== 'function') throw new TypeError('A task needs a function to run, as in createTask((done) => {})');
    super();
    this.#parentTask = taskOf(this.enclosing);
    this.#parentTask?.keep(this.#any);
    watch();
    this.#start(fn);
  }

  get [kTask](): true {
    return true;
  }

  /** As one of all the tasks there are, whatever their results. */
  get #any(): Task {
    return this as unknown as Task;
  }

  get ended(): boolean {
    return this.#phase === 'ended';
  }

  /** Called once, in the domain that the task was made in, when the task will never be entered again. */
  setCallback(callback: TaskCallback<R>): this {
    this.#callback = callback;
    if (this.#told) current.run(this.enclosing, () => process.nextTick(() => this.#call(callback)));
    return this;
  }

  // A task is awaited like a promise, and need not be.
  // oxlint-disable-next-line unicorn/no-thenable
  then<F = R | undefined, E = never>(
    onEnd?: ((result: R | undefined) => F | PromiseLike<F>) | null,
    onError?: ((error: unknown) => E | PromiseLike<E>) | null,
  ): Promise<F | E> {
    this.#promise ??= new Promise((resolve, reject) => {
      this.#settle = () => {
        if (this.#errors.length === 0) resolve(this.#result);
        else reject(this.#errors[0]);
      };
      if (this.#told) this.#settle();
    });
    return this.#promise.then(onEnd, onError);
  }

  #start(fn: TaskFunction<R>): void {
    try {
      this.run(fn, (result?: R) => this.#done(result));
    } catch (error) {
      // After `done`, nobody in here is left to hear it.
      if (this.ended && !this.disposed) this.#throwOutside(error);
      else this.fail(error);
    }
    this.touch();
  }

  #done(result: R | undefined): void {
    if (this.#phase !== 'open') return;
    this.#result = result;
    this.#end();
  }

  /** An `'error'` listener of the task's own may deal with an error; otherwise it is the end. @internal */
  override claim(error: unknown, origin: string): Claim {
    if (this.ended) return this.disposed ? 'handled' : 'unclaimed';
    const claim = super.claim(error, origin);
    if (claim === 'handled') return claim;
    decorate(error, this);
    this.fail(error);
    return 'handled';
  }

  /** What was begun in here is cut short; what cannot be is waited for. @internal */
  fail(error: unknown): void {
    if (this.ended || this.#errors.includes(error)) return;
    this.#errors.push(error);
    this.touch();
    if (this.#phase === 'failed') return;
    this.#phase = 'failed';
    for (const reference of this.#references) reference.cut();
    for (const child of this.#children) child.fail(error);
    for (const emitter of related(this.#any)) tellOf(emitter, error, this.#any);
  }

  override dispose(): void {
    if (this.disposed) return;
    super.dispose();
    this.fail(this.signal.reason);
  }

  /** Looks, once this tick is over, whether anything can still enter. @internal */
  touch(): void {
    if (this.#checking || this.ended) return;
    this.#checking = true;
    // Only after this turn: until then a promise that was settled in it may set something in motion, and one that was
    // rejected may find nobody to handle that.
    current.run(undefined, () =>
      setImmediate(() => {
        this.#checking = false;
        if (!this.#canBeEntered()) this.#end();
      }),
    );
  }

  #canBeEntered(): boolean {
    if (this.#children.size > 0) return true;
    if (this.#continuations > 0 && this.#phase === 'open') return true;
    for (const reference of this.#references) if (reference.counts()) return true;
    return this.#phase === 'open' && listensTo(this.#any);
  }

  #end(): void {
    if (this.ended) return;
    this.#phase = 'ended';
    const emitters = related(this.#any);
    for (const reference of this.#references) reference.drop();
    this.#references.clear();
    const tell = (): void => {
      try {
        this.#tell();
      } finally {
        this.#parentTask?.letGo(this.#any);
        // Whoever listens to an emitter of this task has nothing more to expect of it.
        for (const emitter of emitters) touchListeners(emitter);
        unwatch();
      }
    };
    current.run(undefined, () => process.nextTick(tell));
  }

  #tell(): void {
    this.#told = true;
    this.#attachLater();
    if (this.#settle !== undefined) current.run(this.enclosing, this.#settle);
    if (this.#callback !== undefined) return this.#call(this.#callback);
    if (this.#settle !== undefined || this.#errors.length === 0 || this.disposed) return;
    // Nobody asked how it went: an error is no less an error for that.
    this.#throwOutside(this.#errors[0]);
  }

  #throwOutside(error: unknown): void {
    current.run(this.enclosing, () =>
      process.nextTick(() => {
        throw error;
      }),
    );
  }

  #attachLater(): void {
    const [error, ...later] = this.#errors;
    if (later.length > 0 && typeof error === 'object' && error !== null && !has(error, 'errors'))
      mark(error, 'errors', later);
  }

  #call(callback: TaskCallback<R>): void {
    const call = (): void => callback(this.#errors.length === 0 ? null : this.#errors[0], this.#result);
    if (this.enclosing === undefined) call();
    else this.enclosing.run(call);
  }

  /** A task within, of this copy of the package or of another. @internal */
  keep(child: Task): void {
    this.#children.add(child);
  }

  /** @internal */
  letGo(child: Task): void {
    this.#children.delete(child);
    this.touch();
  }

  /** @internal */
  hold(reference: Reference): void {
    this.#references.add(reference);
  }

  /** @internal */
  release(reference: Reference): void {
    if (this.#references.delete(reference)) this.touch();
  }

  /** @internal */
  expect(continuations: 1 | -1): void {
    this.#continuations += continuations;
    if (continuations < 0) this.touch();
  }
}

export const isTask = (domain: Domain): domain is Task => kTask in domain;

/** The task that what happens in `domain` belongs to; none, when it has ended. */
export function taskOf(domain: Domain | undefined): Task | undefined {
  for (let each = domain; each !== undefined; each = each.enclosing)
    if (isTask(each)) return each.ended ? undefined : each;
  return undefined;
}

/** Likewise, where it is one that this copy of the package keeps account of: another copy has hooks of its own. */
export function ownTaskOf(domain: Domain | undefined): Task | undefined {
  const task = taskOf(domain);
  return task instanceof Task ? task : undefined;
}
