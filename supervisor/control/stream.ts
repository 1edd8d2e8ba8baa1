// A reply that comes line by line, as JSON Lines or as server-sent events, to a reader that may be slow, or gone. Who takes nothing
// in for long is left.
import type { ServerResponse } from 'node:http';
import { EVENT_STREAM, JSON_LINES } from './protocol.js';

/** A reader that takes nothing in for so long is gone. Empty lines find out, where there is nothing else to say. */
const PATIENCE_MS = 30_000;
const BEAT_MS = 10_000;

export class LineStream {
  /** The reader asked for server-sent events. */
  readonly isEvents: boolean;
  readonly #response: ServerResponse;
  #fullSince: number | undefined;

  constructor(response: ServerResponse) {
    this.#response = response;
    response.socket?.setTimeout(0);
    this.isEvents = response.req.headers.accept?.includes(EVENT_STREAM) ?? false;
    const type = this.isEvents ? EVENT_STREAM : JSON_LINES;
    response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' });
    response.flushHeaders();
    response.on('drain', () => (this.#fullSince = undefined));
    if (response.destroyed) return;
    const beat = setInterval(() => this.#look(), BEAT_MS).unref();
    response.once('close', () => clearInterval(beat));
  }

  /** `line` is JSON, without its newline. `id`: by which a reader of events says how far it has come. */
  write(line: string, id?: string): void {
    if (!this.isEvents) this.#send(`${line}\n`);
    else this.#send(id === undefined ? `data: ${line}\n\n` : `id: ${id}\ndata: ${line}\n\n`);
  }

  #send(text: string): void {
    if (this.#response.destroyed || this.#response.writableEnded) return;
    if (!this.#response.write(text)) this.#fullSince ??= performance.now();
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
    if (this.#fullSince === undefined) this.#send(this.isEvents ? ':\n\n' : '\n');
    else if (performance.now() - this.#fullSince > PATIENCE_MS) this.#response.destroy();
  }
}
