// Pure: which app of a supervisor is which of its predecessor's. Each has read the configuration for itself: an app may be new, or
// gone, or the only one under another name.
import type { Will } from './protocol.js';

export class Kin {
  readonly #before: readonly Will[];
  readonly #now: readonly string[];

  /** `before`: the predecessor's apps, one without a name where it is too old to say; `now`: the names of those that are here. */
  constructor(before: readonly Will[], now: readonly string[]) {
    this.#before = before;
    this.#now = now;
  }

  /** What the predecessor has left for this app; nothing for one that it did not have. */
  will(app: string): Will | undefined {
    const same = this.#before.find(({ name }) => name === app);
    const [only, another] = this.#before;
    return same ?? (another || this.#now.length !== 1 ? undefined : only);
  }

  /** Who is here what the predecessor calls so. */
  heir(former: string): string | undefined {
    return this.#now.find((app) => this.will(app)?.name === former);
  }

  /**
   * Those without which nothing may be taken over. One of which nobody serves in the predecessor either has nothing to lose, and
   * must not keep the others from a new cordon; where that is so of all, all are waited for.
   */
  get awaited(): ReadonlySet<string> {
    const needed = this.#now.filter((app) => this.will(app)?.serves !== false);
    return new Set(needed.length > 0 ? needed : this.#now);
  }
}
