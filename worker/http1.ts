// HTTP/1's request: the 500 or 503 as Node's own methods write it, and the last answer of a connection.
import type http from 'node:http';
import type { Duplex } from 'node:stream';
import { answerBody } from './answer.js';
import { adopt } from './domain/domain.js';
import type { RawRequest } from './redact.js';
import { type Ledger, Request, type Wire } from './request.js';
import { reset } from './reset.js';
import { LINGER_ON_BODY_MS, mute, node, overrule, sendsEvents, takeBack } from './response.js';

/** HTTP/1, over TCP, TLS or a unix socket. */
export class HttpRequest extends Request {
  readonly method: string;
  protected readonly path: string;
  #request: http.IncomingMessage | undefined;
  #response: http.ServerResponse | undefined;
  readonly #queued: boolean;

  constructor(request: http.IncomingMessage, response: http.ServerResponse, ledger: Ledger) {
    super(response, ledger);
    adopt(this, request);
    this.#request = request;
    this.#response = response;
    this.method = request.method ?? '';
    this.path = request.url ?? '';
    const { socket } = request as { socket?: Duplex };
    this.#queued = response.socket === null && socket !== undefined;
    if (this.#queued && socket) queue(socket, this);
  }

  /** The connection has ended. A response that still waits for its turn there hears nothing of it. */
  cutOff(): void {
    if (this.#response?.socket === null) this.over();
  }

  protected get givenId(): unknown {
    return this.#request?.headers['x-request-id'];
  }

  get status(): number | undefined {
    return this.#response?.headersSent ? this.#response.statusCode : undefined;
  }

  protected get headers(): RawRequest['headers'] {
    return this.#request?.headers ?? {};
  }

  get wire(): Wire {
    const head = (this.#response as unknown as { _header?: string | null } | undefined)?._header;
    return {
      carrier: this.#request?.socket,
      protocol: `HTTP/${this.#request?.httpVersion ?? '1.1'}`,
      headBytes: head?.length ?? 0,
      bodyBytes: undefined,
    };
  }

  covers(message: object): boolean {
    return message === this.#request || message === this.#response;
  }

  get connection(): unknown {
    return this.#request?.socket;
  }

  closeConnection(): boolean {
    const response = this.#response;
    if (!response || response.headersSent) return response?.shouldKeepAlive === false;
    response.shouldKeepAlive = false;
    overrule(response);
    return true;
  }

  /** Takes `closeConnection` back: another request has come in behind this one. */
  keepConnection(): void {
    const response = this.#response;
    if (!response || response.headersSent) return;
    response.shouldKeepAlive = true;
    Reflect.deleteProperty(response, '_storeHeader');
  }

  override part(): void {
    const response = this.#response;
    if (response?.headersSent && !response.writableEnded && sendsEvents(response)) this.run(() => response.end());
  }

  protected refuse(status: number, id: string): boolean {
    const request = this.#request;
    const response = this.#response;
    if (!request || !response || response.writableEnded) return false;
    takeBack(response, request);
    if (response.headersSent) return this.#breakHalf(response);
    // The program has taken the connection from its response: what is written there reaches nobody.
    if (response.socket === null && !this.#queued) {
      this.breakOff();
      return false;
    }

    for (const header of node.getHeaderNames.call(response)) node.removeHeader.call(response, header);
    const { headers, body } = answerBody(status, id, request.headers.accept);
    for (const [header, value] of headers) node.setHeader.call(response, header, value);
    if (this.ledger.isLast(this)) node.setHeader.call(response, 'connection', 'close');
    response.statusMessage = '';
    node.writeHead.call(response, status);
    mute(response);
    if (request.complete) node.end.call(response, body);
    else this.#answerMidBody(request, response, body);
    return true;
  }

  /** The answer goes out whole; the end, at which Node closes the connection, waits until the client has stopped sending. */
  #answerMidBody(request: http.IncomingMessage, response: http.ServerResponse, body: string): void {
    node.write.call(response, body);
    const finish = (): void => {
      clearTimeout(timer);
      node.end.call(response);
    };
    const timer = setTimeout(finish, LINGER_ON_BODY_MS).unref();
    request.unpipe();
    request.removeAllListeners('data');
    if (request.listenerCount('readable') > 0) request.removeAllListeners('readable');
    // A listener that threw has broken off the flow without its stream knowing: only a pause lets it begin again.
    request.pause().on('data', () => {});
    request.once('end', finish).once('close', finish).resume();
  }

  protected breakOff(): void {
    if (this.#request) reset(this.#request.socket);
  }

  #breakHalf(response: http.ServerResponse): false {
    const { socket } = response;
    // Where the end of the connection is the end of the answer, a plain close would look like a whole one.
    if (socket !== null && !response.chunkedEncoding) reset(socket);
    else response.destroy();
    return false;
  }

  protected forget(): void {
    if (this.#queued && this.#request) queues.get(this.#request.socket)?.delete(this);
    this.#request = undefined;
    this.#response = undefined;
  }
}

/** Of each connection, the requests that were pipelined behind another. */
const queues = new WeakMap<Duplex, Set<HttpRequest>>();

function queue(connection: Duplex, request: HttpRequest): void {
  const queued = queues.get(connection) ?? new Set();
  queued.add(request);
  if (queues.has(connection)) return;
  queues.set(connection, queued);
  connection.once('close', () => {
    for (const each of queued) each.cutOff();
  });
}
