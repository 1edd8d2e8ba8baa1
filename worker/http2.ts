// HTTP/2's request: one stream, whether the program meets it as a stream or as request and response.
import type { EventEmitter } from 'node:events';
import type { ServerHttp2Stream } from 'node:http2';
import { type Answer, answerBody } from './answer.js';
import { type Emit, kEmit } from './domain/emitters.js';
import type { RawRequest } from './redact.js';
import { type Ledger, Request, type Wire } from './request.js';
import { isEventStream } from './response.js';

const NGHTTP2_NO_ERROR = 0;
const NGHTTP2_INTERNAL_ERROR = 2;

export class StreamRequest extends Request {
  readonly method: string;
  protected readonly path: string;
  protected readonly givenId: unknown;
  #headers: Readonly<Record<string, string | undefined>>;
  #stream: ServerHttp2Stream | undefined;
  /** No turn of the event loop comes any more: an answer has a head and nothing else. */
  doomed = false;
  /** What the stream is destroyed with where half an answer is out. */
  #broken: Error | undefined;

  constructor(stream: ServerHttp2Stream, headers: Record<string, string | undefined>, ledger: Ledger) {
    super(stream, ledger);
    this.#stream = stream;
    this.method = headers[':method'] ?? '';
    this.path = headers[':path'] ?? '';
    this.givenId = headers['x-request-id'];
    this.#headers = headers;
  }

  get status(): number | undefined {
    const sent = this.#stream?.headersSent ? this.#stream.sentHeaders?.[':status'] : undefined;
    return sent === undefined ? undefined : Number(sent);
  }

  protected get headers(): RawRequest['headers'] {
    return this.#headers;
  }

  get wire(): Wire {
    const length = this.#stream?.headersSent ? this.#stream.sentHeaders?.['content-length'] : undefined;
    return {
      carrier: this.#stream,
      protocol: 'HTTP/2.0',
      headBytes: 0,
      bodyBytes: length === undefined ? Number.NaN : Number(length),
    };
  }

  covers(message: object): boolean {
    return message === this.#stream || (message as { stream?: unknown }).stream === this.#stream;
  }

  closeConnection(): boolean {
    return true;
  }

  override part(): void {
    const stream = this.#stream;
    if (stream?.headersSent && !stream.writableEnded && isEventStream(stream.sentHeaders['content-type']))
      this.run(() => stream.end());
  }

  get session(): object | undefined {
    return this.#stream?.session;
  }

  /** Node sends a session's frames in a later turn, but before a stream of it is reset: at once. The reset itself is not sent. */
  flush(): void {
    this.#stream?.close(NGHTTP2_INTERNAL_ERROR);
  }

  protected refuse(status: number, id: string): boolean {
    const stream = this.#stream;
    if (!stream || stream.destroyed || stream.writableEnded) return false;
    if (stream.headersSent) {
      this.breakOff();
      return false;
    }
    const { headers, body }: Answer = answerBody(status, id, this.#headers['accept']);
    if (this.doomed) {
      stream.respond({ ':status': status, 'cache-control': 'no-store', 'x-request-id': id }, { endStream: true });
      return true;
    }
    stream.respond({ ':status': status, ...Object.fromEntries(headers) });
    stream.end(body);
    // The client need not send the rest of its body (RFC 9113, 8.1).
    if (!stream.readableEnded) stream.once('finish', () => stream.close(NGHTTP2_NO_ERROR));
    return true;
  }

  /** RST_STREAM INTERNAL_ERROR; `stream.close` with that code would end the answer first, as if it were whole. */
  protected breakOff(): void {
    this.#broken = new Error('half an answer');
    this.#stream?.destroy(this.#broken);
  }

  override [kEmit](emitter: EventEmitter, emit: Emit, args: Parameters<Emit>): boolean {
    return args[0] === 'error' && args[1] === this.#broken ? false : super[kEmit](emitter, emit, args);
  }

  protected forget(): void {
    this.#stream = undefined;
    this.#headers = {};
  }
}
