// What has changed in the book and is not on disk yet. Like encounters that wait together are written as one: an error storm must
// not become a storm of writes.
import type { Change } from './book.js';
import type { Encounter } from './incident.js';

/** A line of the journal. `n` counts the changes of the book, over all its supervisors. */
export type Line = Change & { readonly n: number };

/** So many of one incident and worker are written one by one; what follows is counted with the last of them. */
const APART = 3;
const MAX_WAITING = 200;

interface Row {
  readonly lines: number[];
}

export class Journal {
  #waiting: Line[] = [];
  #rows = new Map<string, Row>();
  #n: number;
  /** Up to here the changes are in a snapshot: nothing may be added to their lines. */
  #sealed = 0;
  /** Changes were left out. Only a snapshot has them all. */
  incomplete = false;

  constructor(n: number) {
    this.#n = n;
  }

  /** How many changes the book has seen: all of them are in it. */
  get n(): number {
    return this.#n;
  }

  seal(): number {
    this.#sealed = this.#n;
    return this.#n;
  }

  add(change: Change): void {
    if (change.type === 'met' && this.#joins(change)) return;
    if (this.#waiting.length >= MAX_WAITING) return this.skip();
    this.#waiting.push({ ...change, n: ++this.#n });
  }

  /** A change that will not be written by itself. */
  skip(): void {
    this.#n++;
    this.incomplete = true;
  }

  /** The lines that wait; they do so no longer. */
  take(): readonly Line[] {
    const lines = this.#waiting;
    this.#waiting = [];
    this.#rows = new Map();
    return lines;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  #joins({ id, encounter }: Extract<Change, { type: 'met' }>): boolean {
    const key = `${id} ${encounter.worker}`;
    const row = this.#rows.get(key) ?? { lines: [] };
    this.#rows.set(key, row);
    const last = row.lines.at(-1) ?? -1;
    const line = this.#waiting[last];
    if (row.lines.length < APART || line?.type !== 'met' || line.n <= this.#sealed) {
      if (this.#waiting.length < MAX_WAITING) row.lines.push(this.#waiting.length);
      return false;
    }
    this.#waiting[last] = { ...line, encounter: together(line.encounter, encounter) };
    return true;
  }
}

const together = (before: Encounter, last: Encounter): Encounter => ({ ...last, count: before.count + last.count });
