// What commands can still read of the past: the recent lines of the log, and what the supervisor did and why. Kept apart, so that
// workers that talk much do not push out what became of them.
import type { CutRequest } from '../worker/protocol.js';
import { Ring } from './control/ring.js';
import type { Sentence } from './narrate.js';

export class Journal {
  /** Log lines as JSON, without their newline. */
  readonly lines = new Ring({ lines: 10_000, size: 4 * 1024 * 1024 });
  /** Events as JSON. */
  readonly events = new Ring({ lines: 2_000, size: 1024 * 1024 });
  readonly #errors = new Map<number, number>();
  readonly #onCut = new Set<(worker: number, requests: readonly CutRequest[]) => void>();

  /** Whatever the log's level is: what happened is asked for when nobody expected it. */
  record({ level, text, about, cause, event = 'note', fields }: Sentence, now = new Date()): void {
    const seat = about && { worker: about.id, slot: about.slot, generation: about.generation };
    this.events.add(JSON.stringify({ time: now.toISOString(), level, event, ...seat, cause, ...fields, msg: text }));
  }

  met(worker: number, errors: number): void {
    this.#errors.set(worker, this.errorsOf(worker) + errors);
  }

  /** Errors that this worker told of in all its life, those that its program has handled and reported among them. */
  errorsOf(worker: number): number {
    return this.#errors.get(worker) ?? 0;
  }

  gone(worker: number): void {
    this.#errors.delete(worker);
  }

  cut(worker: number, requests: readonly CutRequest[]): void {
    for (const listener of this.#onCut) listener(worker, requests);
  }

  /** Returns what ends it. */
  onCut(listener: (worker: number, requests: readonly CutRequest[]) => void): () => void {
    this.#onCut.add(listener);
    return () => void this.#onCut.delete(listener);
  }
}
