// How many errors are told one by one: enough to see what is wrong. A storm of ever new ones is told as a number.

const WINDOW_MS = 10_000;
const MOST = 50;

export class Pace {
  readonly #told: (held: number) => void;
  readonly #windowMs: number;
  #begun = Number.NEGATIVE_INFINITY;
  #said = 0;
  #held = 0;

  /** `told` hears at the end of a time how many were held back in it. */
  constructor(told: (held: number) => void, windowMs = WINDOW_MS) {
    this.#told = told;
    this.#windowMs = windowMs;
  }

  /** Whether one more line may be said. One that may not counts for so many errors. */
  allows(errors: number): boolean {
    const now = performance.now();
    if (now - this.#begun >= this.#windowMs) {
      this.#begun = now;
      this.#said = 0;
    }
    if (this.#said < MOST) {
      this.#said++;
      return true;
    }
    if (this.#held === 0) setTimeout(() => this.#tell(), this.#begun + this.#windowMs - now).unref();
    this.#held += errors;
    return false;
  }

  #tell(): void {
    const held = this.#held;
    this.#held = 0;
    this.#told(held);
  }
}
