// What requests have set in motion beyond their answers: with `stop.drain: 'tasks'` a worker that drains waits for it. Each request
// runs in a task, which ends when nothing of it can be entered any more.
import type { Claim } from './domain/domain.js';
import { Task } from './domain/task.js';

/** It keeps account, and nothing else: what fails in it is its request's, or the worker's. */
class Watched extends Task {
  override claim(): Claim {
    return 'unclaimed';
  }
}

export class Background {
  readonly #running = new Set<Task>();
  readonly #ended: () => void;

  /** `ended` hears of each task that is over. */
  constructor(ended: () => void) {
    this.#ended = ended;
  }

  get size(): number {
    return this.#running.size;
  }

  /** Runs what announces a request, in a task of its own. Returns what that returns. */
  run(announce: () => boolean): boolean {
    let heard = false;
    const task = new Watched(() => {
      heard = announce();
    });
    this.#running.add(task);
    task.setCallback(() => {
      this.#running.delete(task);
      this.#ended();
    });
    return heard;
  }
}
