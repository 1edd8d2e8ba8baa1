// The recent past of something that goes on for ever: the last lines, bounded by number and by size. Each line has a number of its own,
// so that a reader knows how far it has read, and how much it has missed.

export interface Limits {
  readonly lines: number;
  /** Characters, of all lines together. */
  readonly size: number;
}

export class Ring {
  readonly #limits: Limits;
  readonly #listeners = new Set<() => void>();
  #lines: string[] = [];
  /** The number of the first entry of `#lines`; those before `#kept` were given up, and are cut off now and then. */
  #base = 0;
  #kept = 0;
  #size = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
  }

  add(line: string): void {
    this.#lines.push(line);
    this.#size += line.length;
    const { lines, size } = this.#limits;
    while (this.#lines.length - this.#kept > lines || (this.#size > size && this.#kept < this.#lines.length)) {
      this.#size -= this.#lines[this.#kept]?.length ?? 0;
      this.#lines[this.#kept++] = '';
    }
    if (this.#kept > lines) {
      this.#lines = this.#lines.slice(this.#kept);
      this.#base += this.#kept;
      this.#kept = 0;
    }
    for (const listener of this.#listeners) listener();
  }

  /** The number of the oldest line that is still there. */
  get first(): number {
    return this.#base + this.#kept;
  }

  /** The number that the next line will have. */
  get next(): number {
    return this.#base + this.#lines.length;
  }

  at(number: number): string {
    return this.#lines[number - this.#base] ?? '';
  }

  /** Calls `listener` after each new line. Returns what ends it. */
  follow(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
