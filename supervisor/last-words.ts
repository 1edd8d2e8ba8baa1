// What a booting worker says on stderr is held back until it is ready or dead. A program that cannot start says the same each
// time: it is printed once, and after that counted.

const MAX_LINES = 200;

export class LastWords {
  #held: string[] = [];
  #dropped = 0;
  #holding = true;
  readonly #print: (line: string) => void;

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  say(line: string): void {
    if (!this.#holding) this.#print(line);
    else if (this.#held.length < MAX_LINES) this.#held.push(line);
    else this.#dropped++;
  }

  /** The worker lives, or its words are new: out with them. */
  release(): void {
    this.#holding = false;
    for (const line of this.#held) this.#print(line);
    if (this.#dropped > 0) this.#print(`(${this.#dropped} more lines before this one were dropped)`);
    this.#held = [];
    this.#dropped = 0;
  }

  get lines(): readonly string[] {
    return this.#held;
  }
}

/** The line that says what went wrong: the error's own, where there is one. */
export const gist = (lines: readonly string[]): string | undefined =>
  lines.find((line) => /^(?:Uncaught )?[\w$.]*(?:Error|Exception)\b/.test(line)) ??
  lines.findLast((line) => line.trim() !== '');

/** Two deaths are alike when their words differ in numbers only: pids, ports, addresses, times. */
export const likeness = (lines: readonly string[]): string => lines.join('\n').replace(/0x[\da-f]+|\d+/gi, '#');

const MAX_REMEMBERED = 100;

/** Remembers how workers died, so that the same death is told once. */
export class Obituaries {
  readonly #deaths = new Map<string, { readonly first: number; count: number }>();

  /** The worker that first died with these words, and how many have since; undefined where they are new. */
  record(worker: number, lines: readonly string[]): { readonly first: number; readonly count: number } | undefined {
    const key = likeness(lines);
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
