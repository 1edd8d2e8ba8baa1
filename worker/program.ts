// What the program wants to know of its worker's end: its listeners, what they return, and a signal of the operator's choice.
import type { DrainListener, Moment, Reason } from './index.js';

export class Program {
  readonly #listeners: Record<Moment, Set<DrainListener>> = { drain: new Set(), drained: new Set() };
  readonly #report: (error: unknown) => void;
  readonly #signal: NodeJS.Signals | undefined;
  #reason: Reason | undefined;
  #pending: Promise<unknown> = Promise.resolve();
  #signalled = false;

  /** `report` hears what its listeners throw. */
  constructor(report: (error: unknown) => void, signal: NodeJS.Signals | undefined) {
    this.#report = report;
    this.#signal = signal;
  }

  hear(moment: Moment, listener: DrainListener): () => void {
    const listeners = this.#listeners[moment];
    listeners.add(listener);
    // Who asks late is told at once.
    if (moment === 'drain' && this.#reason !== undefined) this.#tell([listener], this.#reason);
    return () => void listeners.delete(listener);
  }

  drain(reason: Reason): void {
    this.#reason = reason;
    this.#tell(this.#listeners.drain, reason);
  }

  /** Nothing is left but what the program itself waits for. */
  async drained(): Promise<void> {
    this.signal();
    this.#tell(this.#listeners.drained, this.#reason ?? 'stop');
    // A listener may have brought in another.
    for (let waited: unknown; waited !== this.#pending; ) await (waited = this.#pending);
  }

  /** Whether the program has been signalled: its `process.exit` waits for what is in flight from then on. */
  get signalled(): boolean {
    return this.#signalled;
  }

  /** A signal of the operator's choice, as if it had come from outside: once, and only where somebody listens. */
  signal(): void {
    const signal = this.#signal;
    if (signal === undefined || this.#signalled || process.listenerCount(signal) === 0) return;
    this.#signalled = true;
    (process.emit as (type: string, ...told: unknown[]) => boolean).call(
      process,
      signal,
      signal,
      process.getBuiltinModule('node:os').constants.signals[signal],
    );
  }

  #tell(listeners: Iterable<DrainListener>, reason: Reason): void {
    const told = [...listeners].map(async (listener) => listener(reason));
    const settled = told.map((each) => each.catch((error: unknown) => this.#report(error)));
    this.#pending = Promise.all([this.#pending, ...settled]);
  }
}
