// How many connections may be on their way to other workers at a time. On its way a connection is served by nobody, and a worker
// takes in one a turn of its loop: where turns are long, all but a few are better off where they are.

/** So long may the last of those on their way have to wait. */
const PATIENCE_MS = 100;
const FIRST = 16;
const LEAST = 4;
/** Node itself has one at a time on each leg of the way: more would be no faster. */
const MOST = 64;

export class Allowance {
  /** When each set out, oldest first, and as the how-manyth of those under way. */
  readonly #setOut: { readonly at: number; readonly place: number }[] = [];
  #most = FIRST;

  /** How many more may set out. */
  get room(): number {
    return this.#most - this.#setOut.length;
  }

  /** To look for others costs a look at all connections: it is put off until few are on their way. */
  get isLow(): boolean {
    return this.#setOut.length <= this.#most / 4;
  }

  began(now: number): void {
    this.#setOut.push({ at: now, place: this.#setOut.length + 1 });
  }

  /** One has arrived, with those before it: so many do in that time. */
  arrived(now: number): void {
    const { at, place } = this.#setOut.shift() ?? { at: now, place: 1 };
    const inPatience = Math.floor((place * PATIENCE_MS) / Math.max(1, now - at));
    this.#most = Math.min(MOST, Math.max(LEAST, inPatience));
  }
}
