// What the program is told and may ask by way of `cordon/worker`. It may have another copy of that module than the one that runs
// it, so the two meet at a name on `process`.
import os from 'node:os';
import { current } from './domain/current.js';
import type { Domain } from './domain/domain.js';
import type { RequestName } from './protocol.js';
import { Request } from './request.js';

export const programKey = Symbol.for('cordon.worker');

/** Why a worker drains: `stop`, `fault`, `reload` and the like. */
export type Reason = string;

type Moment = 'drain' | 'drained';
type Listener = (reason: Reason) => unknown;

export class Program {
  readonly #listeners: Record<Moment, Set<Listener>> = { drain: new Set(), drained: new Set() };
  readonly #report: (error: unknown, request: Request | undefined) => void;
  readonly #signal: NodeJS.Signals | undefined;
  #reason: Reason | undefined;
  #pending: Promise<unknown> = Promise.resolve();
  #signalled = false;

  /** `report` hears what is said by the program itself, and what its listeners throw. */
  constructor(report: (error: unknown, request: Request | undefined) => void, signal: NodeJS.Signals | undefined) {
    this.#report = report;
    this.#signal = signal;
  }

  install(): void {
    Object.defineProperty(process, programKey, { value: this, configurable: true });
  }

  hear(moment: Moment, listener: Listener): () => void {
    const listeners = this.#listeners[moment];
    listeners.add(listener);
    // Who asks late is told at once.
    if (moment === 'drain' && this.#reason !== undefined) this.#tell([listener], this.#reason);
    return () => void listeners.delete(listener);
  }

  report(error: unknown): void {
    this.#report(error, requestOf(current.getStore()));
  }

  currentRequest(): RequestName | undefined {
    return requestOf(current.getStore())?.description;
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
      os.constants.signals[signal],
    );
  }

  #tell(listeners: Iterable<Listener>, reason: Reason): void {
    const told = [...listeners].map(async (listener) => listener(reason));
    const settled = told.map((each) => each.catch((error: unknown) => this.#report(error, undefined)));
    this.#pending = Promise.all([this.#pending, ...settled]);
  }
}

function requestOf(innermost: Domain | undefined): Request | undefined {
  for (let domain = innermost; domain !== undefined; domain = domain.enclosing)
    if (domain instanceof Request) return domain;
  return undefined;
}
