// Whoever waits for the fleet: an answer is read from its turns, and those who look on hear how far a change is.
import { type Changing, progressOf, settles } from './change.js';
import type { Outcome, Progress } from './commands.js';
import type { Fleet } from './state.js';
import type { Observer } from './supervisor.js';

type Turn = Parameters<Observer>;

export class Waiting {
  readonly #fleet: () => Fleet;
  readonly #watching = new Set<(turn: Turn) => void>();
  readonly #listeners = new Set<(line: Progress) => void>();
  #changing: Changing | undefined;

  constructor(fleet: () => Fleet) {
    this.#fleet = fleet;
  }

  turned(turn: Turn): void {
    for (const look of this.#watching) look(turn);
    if (this.#changing) this.#tellProgress(this.#changing);
  }

  /** Returns what ends it. */
  listen(listener: (line: Progress) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Resolves to the first answer that a turn gives. */
  until<T>(answer: (turn: Turn) => T | undefined): Promise<T> {
    return new Promise((resolve) => {
      const look = (turn: Turn): void => {
        const found = answer(turn);
        if (found === undefined) return;
        this.#watching.delete(look);
        resolve(found);
      };
      this.#watching.add(look);
    });
  }

  settled(): Promise<Outcome> {
    const fleet = this.#fleet();
    const nothing: Turn = [{ type: 'time-passed' }, fleet, fleet, [], 0];
    const at = settles(nothing);
    return at ? Promise.resolve(at) : this.until((turn) => settles(turn));
  }

  /** Tells of a change to `generation` until it has ended. */
  async change<T>(generation: number, ended: Promise<T>): Promise<T> {
    const changing = { generation, since: performance.now(), told: '' };
    this.#changing = changing;
    this.#tellProgress(changing);
    try {
      return await ended;
    } finally {
      if (this.#changing === changing) this.#changing = undefined;
    }
  }

  #tellProgress(changing: Changing): void {
    if (this.#listeners.size === 0) return;
    const line = progressOf(this.#fleet(), changing, performance.now());
    if (line.text === changing.told) return;
    changing.told = line.text;
    for (const listener of this.#listeners) listener(line);
  }
}
