// A connection that the program has taken over, by `upgrade` or `connect`.
import type http from 'node:http';
import type { Duplex } from 'node:stream';
import { STATUS_CODES } from '../config/http.js';
import { answerBody } from './answer.js';
import { adopt } from './domain/domain.js';
import type { RawRequest } from './redact.js';
import { type Ledger, Request, type Wire } from './request.js';
import { reset } from './reset.js';

export class TakenOver extends Request {
  readonly method: string;
  protected readonly path: string;
  protected readonly givenId: unknown;
  #request: http.IncomingMessage | undefined;
  #socket: (Duplex & { bytesWritten?: number }) | undefined;
  readonly #writtenBefore: number;
  #status: number | undefined;

  constructor(request: http.IncomingMessage, socket: Duplex, ledger: Ledger) {
    super(socket, ledger);
    adopt(this, request);
    this.#request = request;
    this.#socket = socket;
    this.#writtenBefore = this.#socket.bytesWritten ?? 0;
    this.method = request.method ?? '';
    this.path = request.url ?? '';
    this.givenId = request.headers['x-request-id'];
  }

  get status(): number | undefined {
    return this.#status ?? (this.#socket && (this.#socket.bytesWritten ?? 0) !== this.#writtenBefore ? 101 : undefined);
  }

  protected get headers(): RawRequest['headers'] {
    return this.#request?.headers ?? {};
  }

  get wire(): Wire {
    return {
      carrier: this.#socket,
      protocol: `HTTP/${this.#request?.httpVersion ?? '1.1'}`,
      headBytes: 0,
      bodyBytes: (this.#socket?.bytesWritten ?? 0) - this.#writtenBefore,
    };
  }

  covers(message: object): boolean {
    return message === this.#request || message === this.#socket;
  }

  closeConnection(): boolean {
    return true;
  }

  /** A close frame, where the program speaks WebSocket by way of `ws`, as socket.io does. */
  override part(code: number): void {
    const webSocket = this.#socket && webSocketOn(this.#socket);
    if (webSocket) this.run(() => webSocket.close(code));
  }

  protected refuse(status: number, id: string): boolean {
    const socket = this.#socket;
    if (!socket || socket.destroyed) return false;
    if ((socket.bytesWritten ?? 0) !== this.#writtenBefore) {
      this.breakOff();
      return false;
    }
    this.#status = status;
    const { headers, body } = answerBody(status, id, this.#request?.headers.accept);
    const lines = [...headers, ['connection', 'close'] as const].map(([header, value]) => `${header}: ${value}\r\n`);
    socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
    return true;
  }

  protected breakOff(): void {
    if (this.#socket) reset(this.#socket);
  }

  protected forget(): void {
    this.#request = undefined;
    this.#socket = undefined;
  }
}

interface WebSocket {
  close(code: number): void;
}

/** `ws` leaves its WebSocket on the socket that it was made of. */
function webSocketOn(socket: Duplex): WebSocket | undefined {
  const key = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'websocket');
  const found = key && (socket as unknown as Record<symbol, Partial<WebSocket> | undefined>)[key];
  return typeof found?.close === 'function' ? (found as WebSocket) : undefined;
}
