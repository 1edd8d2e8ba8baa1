// What a booting worker says on stderr is held back until it is ready or dead. A program that cannot start says the same each
// time: it is printed once, and after that counted.
import { createHash } from 'node:crypto';

/** So many of the first lines are kept, and as many of the last: it is the last ones that tell what it died of. */
const MAX_LINES = 100;
/** So many are kept whether they were printed or not. */
const MAX_RECENT = 20;

export class LastWords {
  #first: string[] = [];
  #last: string[] = [];
  #dropped = 0;
  readonly #recent: string[] = [];
  #holding = true;
  readonly #print: (line: string) => void;

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  say(line: string): void {
    if (this.#recent.push(line) > MAX_RECENT) this.#recent.shift();
    if (!this.#holding) this.#print(line);
    else if (this.#first.length < MAX_LINES) this.#first.push(line);
    else {
      this.#last.push(line);
      if (this.#last.length <= MAX_LINES) return;
      this.#last.shift();
      this.#dropped++;
    }
  }

  /** The worker lives, or its words are new: out with them. */
  release(): void {
    this.#holding = false;
    for (const line of this.#first) this.#print(line);
    if (this.#dropped > 0) this.#print(`(${this.#dropped} more lines were dropped here)`);
    for (const line of this.#last) this.#print(line);
    this.#first = [];
    this.#last = [];
    this.#dropped = 0;
  }

  /** The last of what was said. */
  get recent(): readonly string[] {
    return this.#recent;
  }

  get lines(): readonly string[] {
    return [...this.#first, ...this.#last];
  }
}

/** The line that says what went wrong: that of the last error, where there is one. */
export const gist = (lines: readonly string[]): string | undefined =>
  lines.findLast((line) => /^(?:Uncaught )?[\w$.]*(?:Error|Exception)\b/.test(line)) ??
  lines.findLast((line) => line.trim() !== '');

/** Two deaths are alike when their words differ in numbers only: pids, ports, addresses, times. */
export const likeness = (lines: readonly string[]): string => lines.join('\n').replace(/0x[\da-f]+|\d+/gi, '#');

const MAX_REMEMBERED = 100;

/** So much of a line is kept of the dead: it may quote all of a bundled program. */
const MAX_LINE = 1000;
/** A copy: a part of a string keeps the whole of it. */
export const shortened = (lines: readonly string[]): string[] =>
  lines.map((line) => (line.length > MAX_LINE ? `${Buffer.from(line.slice(0, MAX_LINE)).toString()}…` : line));

/** Remembers how workers died, so that the same death is told once. */
export class Obituaries {
  readonly #deaths = new Map<string, { readonly first: number; count: number }>();

  /** The worker that first died with these words, and how many have since; undefined where they are new. */
  record(worker: number, lines: readonly string[]): { readonly first: number; readonly count: number } | undefined {
    const key = createHash('sha1').update(likeness(lines)).digest('base64');
    const known = this.#deaths.get(key);
    if (known) {
      known.count++;
      return known;
    }
    for (const oldest of this.#deaths.keys()) {
      if (this.#deaths.size < MAX_REMEMBERED) break;
      this.#deaths.delete(oldest);
    }
    this.#deaths.set(key, { first: worker, count: 1 });
    return undefined;
  }
}
