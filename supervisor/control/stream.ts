// A reply that comes line by line, to a reader that may be slow, or gone. Who takes nothing in for long is left.
import type { ServerResponse } from 'node:http';
import { JSON_LINES } from './protocol.js';

/** A reader that takes nothing in for so long is gone. Empty lines find out, where there is nothing else to say. */
const PATIENCE_MS = 30_000;
const BEAT_MS = 10_000;

export class LineStream {
  readonly #response: ServerResponse;
  #fullSince: number | undefined;

  constructor(response: ServerResponse) {
    this.#response = response;
    response.socket?.setTimeout(0);
    response.writeHead(200, { 'content-type': JSON_LINES, 'cache-control': 'no-store' });
    response.flushHeaders();
    response.on('drain', () => (this.#fullSince = undefined));
    if (response.destroyed) return;
    const beat = setInterval(() => this.#look(), BEAT_MS).unref();
    response.once('close', () => clearInterval(beat));
  }

  /** `line` is JSON, without its newline. */
  write(line: string): void {
    if (this.#response.destroyed || this.#response.writableEnded) return;
    if (!this.#response.write(`${line}\n`)) this.#fullSince ??= performance.now();
  }

  /** The reader has yet to take in what it was given. */
  get isFull(): boolean {
    return this.#response.writableNeedDrain || this.#response.destroyed;
  }

  onRoom(more: () => void): void {
    this.#response.on('drain', more);
  }

  onClose(done: () => void): void {
    if (this.#response.destroyed) done();
    else this.#response.once('close', done);
  }

  end(): void {
    this.#response.end();
  }

  #look(): void {
    if (this.#fullSince === undefined) this.write('');
    else if (performance.now() - this.#fullSince > PATIENCE_MS) this.#response.destroy();
  }
}
