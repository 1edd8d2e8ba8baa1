// Holds workers back that print: what is not read from their pipes fills them, and whoever prints more has to wait.
import type { Readable } from 'node:stream';

export class Brake {
  readonly #streams = new Set<Readable>();
  #held = false;

  add(stream: Readable): void {
    this.#streams.add(stream);
    stream.once('close', () => this.#streams.delete(stream));
    if (this.#held) stream.pause();
  }

  /** Its worker is gone: what it has left is read, whoever is held back. */
  release(stream: Readable): void {
    if (this.#streams.delete(stream) && this.#held) stream.resume();
  }

  readonly hold = (held: boolean): void => {
    this.#held = held;
    for (const stream of this.#streams)
      if (held) stream.pause();
      else stream.resume();
  };
}
