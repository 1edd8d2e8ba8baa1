// One request's domain: who is owed an answer, and what they get when it fails. The client is answered first, then the record
// is written. A request that was answered long ago owes nothing: what fails in its name then is the worker's own.
import { randomUUID } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import http from 'node:http';
import type { ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import { type Answer, answerBody } from './answer.js';
import { current } from './domain/current.js';
import { adopt, type Claim, Domain } from './domain/domain.js';
import { type Emit, kEmit } from './domain/emitters.js';
import type { RequestName } from './protocol.js';
import type { RawRequest } from './redact.js';

/** Where a worker's requests are told of. */
export interface Ledger {
  opened(request: Request): void;
  /** Whether no further request has come in on this one's connection (pipelining). */
  isLast(request: HttpRequest): boolean;
  closed(request: Request): void;
  failed(request: Request, error: unknown, origin: string): void;
}

/** After an answer to a request whose body still arrives: closing at once would reset the client before it has read the answer. */
const LINGER_ON_BODY_MS = 5000;

export abstract class Request extends Domain {
  protected readonly ledger: Ledger;
  /** The emitter whose `close` ends this request. */
  #owed: EventEmitter | undefined;
  #failed = false;
  /** Set while an error of its handler waits to be thrown again. */
  #thrown: RequestName | undefined;
  #id: string | undefined;
  readonly openedAt = performance.now();

  constructor(owed: EventEmitter, ledger: Ledger) {
    super();
    this.#owed = owed;
    this.ledger = ledger;
    adopt(this, owed);
    ledger.opened(this);
  }

  abstract readonly method: string;
  protected abstract readonly path: string;
  protected abstract readonly givenId: unknown;
  /** Whether this request or response, of the program's or of a framework's, is this very request. */
  abstract covers(message: object): boolean;
  /** Answers with an error, or breaks the stream so that the client can tell. Returns whether it could still be answered. */
  protected abstract refuse(status: number, id: string): boolean;
  /** Says `Connection: close` with the answer. Returns whether the connection will end with this request. */
  abstract closeConnection(): boolean;

  get description(): RequestName {
    this.#id ??=
      typeof this.givenId === 'string' && /^[\x21-\x7e]{1,128}$/.test(this.givenId) ? this.givenId : randomUUID();
    return { method: this.method, path: this.path, id: this.#id };
  }

  /** Of the answer whose head is out. Known until the request is over, as its headers are. */
  abstract readonly status: number | undefined;
  protected abstract readonly headers: RawRequest['headers'];

  /** With its secrets. */
  get detail(): RawRequest {
    const { description, status, headers } = this;
    return { ...description, status, headers, durationMs: performance.now() - this.openedAt };
  }

  /** Runs Node's own announcement of the request. What it throws takes the way of any error that nobody caught. */
  announce(emit: Emit, server: EventEmitter, args: Parameters<Emit>): boolean {
    try {
      return current.run(this, Reflect.apply, emit, server, args) as boolean;
    } catch (error) {
      this.#throwApart(error);
      return true;
    }
  }

  /**
   * Thrown on, it would leave Node's parser broken, and the rest of the body unread; thrown in the next tick too, since ticks run
   * inside the parser's callbacks. In a turn of its own Node treats it as it treats any error that nobody caught.
   */
  #throwApart(error: unknown): void {
    // Its answer may be out, and the request over, before that turn comes; it is to be named all the same.
    this.#thrown = this.description;
    current.run(this, () =>
      setImmediate(() => {
        throw error;
      }),
    );
  }

  override claim(error: unknown, origin: string): Claim {
    if (this.#owed === undefined && this.#thrown === undefined) return 'unclaimed';
    const { id } = this.description;
    if (!this.#failed) this.#attempt(500, id);
    this.#failed = true;
    this.#thrown = undefined;
    this.ledger.failed(this, error, origin);
    return 'contained';
  }

  /** The kill timer has fired. Returns whether the client could still be told so. */
  cut(): boolean {
    return !this.#failed && this.#attempt(503, this.description.id);
  }

  override [kEmit](emitter: EventEmitter, emit: Emit, args: Parameters<Emit>): boolean {
    if (args[0] === 'close' && emitter === this.#owed) this.over();
    if (!this.covers(emitter)) return super[kEmit](emitter, emit, args);
    if (args[0] !== 'error' && !isHeardByProgram(emitter, args[0])) return emit.apply(emitter, args);
    const within = current.getStore() === this && !isArrival(args[0]);
    return within ? emit.apply(emitter, args) : this.announce(emit, emitter, args);
  }

  /** Nobody is owed an answer any more. */
  protected over(): void {
    if (this.#owed === undefined) return;
    this.#owed = undefined;
    this.ledger.closed(this);
    this.forget();
  }

  /** Lets go of the request itself, so that what outlives it, a pooled connection that it opened, does not keep it alive. */
  protected abstract forget(): void;

  #attempt(status: number, id: string): boolean {
    try {
      return this.refuse(status, id);
    } catch {
      // A response that the program has taken apart: its connection is closed all the same.
      return false;
    }
  }
}

/** What an emitter's listeners are to Node: one function, or a list. */
interface Listened {
  readonly _events?: Readonly<Record<string | symbol, unknown>>;
}

/**
 * As `isHeard`, and cheaper. On a response's `finish` Node's own listener is the first: where there is one, it is Node's. Reading
 * a bound function's name costs more than all else here.
 */
function isHeardByProgram(emitter: EventEmitter, type: string | symbol): boolean {
  const listener = (emitter as Listened)._events?.[type];
  if (listener === undefined || listener === nodesEnd) return false;
  if (typeof listener !== 'function') return true;
  if (type === 'finish') return !(emitter instanceof http.ServerResponse);
  if (type === 'end' && listener.name === 'clearIncoming') nodesEnd = listener;
  return listener !== nodesEnd;
}

/** Node's own listener of every request's `end`, once it has been seen. */
let nodesEnd: unknown;

/** What the parser brings; a listener's throw would go through it, and break it, even where the request's own context is active. */
const isArrival = (event: unknown): boolean => event === 'data' || event === 'end' || event === 'readable';

type Method<A extends unknown[], R = unknown> = (this: http.ServerResponse, ...args: A) => R;
const method = (name: keyof http.ServerResponse): unknown => Reflect.get(http.ServerResponse.prototype, name);

/** A response's methods as Node made them, whatever middleware has put on it since. */
const node = {
  getHeaderNames: method('getHeaderNames') as Method<[], string[]>,
  removeHeader: method('removeHeader') as Method<[name: string]>,
  setHeader: method('setHeader') as Method<[name: string, value: string]>,
  writeHead: method('writeHead') as Method<[status: number]>,
  write: method('write') as Method<[text: string]>,
  end: method('end') as Method<[text?: string]>,
  storeHeader: Reflect.get(http.ServerResponse.prototype, '_storeHeader') as Method<unknown[]>,
};

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

  protected refuse(status: number, id: string): boolean {
    const request = this.#request;
    const response = this.#response;
    if (!request || !response || response.writableEnded) return false;
    takeBack(response, request);
    if (response.headersSent) return this.#breakOff(response);

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

  #breakOff(response: http.ServerResponse): false {
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

/** What Node makes a head with, and what of it decides whether the connection is kept. */
interface Head {
  _header: string;
  _headerSent: boolean;
  _last: boolean;
}

/** `writeHead` alone sends nothing: the client knows of no head yet, and gets another. */
function takeBack(response: http.ServerResponse, request: http.IncomingMessage): void {
  if (!response.headersSent || (response as http.ServerResponse & Head)._headerSent) return;
  const _hasBody = request.method !== 'HEAD';
  Object.assign(response, { _header: null, _contentLength: null, _hasBody, _last: false, chunkedEncoding: false });
}

/** A `Connection: keep-alive` of the program's own, as proxies copy it, would win over `shouldKeepAlive`: it is taken out of the head. */
function overrule(response: http.ServerResponse): void {
  Object.defineProperty(response, '_storeHeader', { value: storeLastHeader, configurable: true, writable: true });
}

function storeLastHeader(this: http.ServerResponse & Head, ...head: unknown[]): void {
  Reflect.apply(node.storeHeader, this, head);
  if (this.statusCode === 101) return;
  const kept = this._header.replaceAll(/\r\n(?:connection|keep-alive):[^\r\n]*/gi, '');
  this._header = kept.replace(/\r\n\r\n$/, '\r\nConnection: close\r\n\r\n');
  this._last = true;
}

/** The program may go on with a response that was answered for it: nothing of that reaches the client, or fails once more. */
function mute(response: http.ServerResponse): void {
  const self = (): http.ServerResponse => response;
  Object.assign(response, {
    write: () => true,
    end: self,
    writeHead: self,
    setHeader: self,
    appendHeader: self,
    removeHeader() {},
  });
}

/** What `node:net` keeps on a socket; under a TLS socket's handle lies the TCP socket. */
interface Inside {
  resetAndClosing?: boolean;
  readonly _handle?: { readonly _parentWrap?: Inside; readonly reset?: unknown } | null;
}

/**
 * Not `resetAndDestroy`: that says an orderly end first, which the client may take for a whole answer, and it refuses TLS.
 * A unix socket knows no reset.
 */
function reset(socket: Duplex): void {
  const inside = (socket as Inside)._handle?._parentWrap ?? (socket as Inside);
  if (typeof inside._handle?.reset === 'function') inside.resetAndClosing = true;
  socket.destroy();
}

/** A connection that the program has taken over: `upgrade`, `connect`. */
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
    return this.#status ?? (this.#socket && this.#socket.bytesWritten !== this.#writtenBefore ? 101 : undefined);
  }

  protected get headers(): RawRequest['headers'] {
    return this.#request?.headers ?? {};
  }

  covers(message: object): boolean {
    return message === this.#request || message === this.#socket;
  }

  closeConnection(): boolean {
    return true;
  }

  protected refuse(status: number, id: string): boolean {
    const socket = this.#socket;
    if (!socket || socket.destroyed) return false;
    if ((socket.bytesWritten ?? 0) !== this.#writtenBefore) {
      reset(socket);
      return false;
    }
    this.#status = status;
    const { headers, body } = answerBody(status, id, this.#request?.headers.accept);
    const lines = [...headers, ['connection', 'close'] as const].map(([header, value]) => `${header}: ${value}\r\n`);
    socket.end(`HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`);
    return true;
  }

  protected forget(): void {
    this.#request = undefined;
    this.#socket = undefined;
  }
}

const NGHTTP2_NO_ERROR = 0;

/** One HTTP/2 stream, whether the program meets it as a stream or as request and response. */
export class StreamRequest extends Request {
  readonly method: string;
  protected readonly path: string;
  protected readonly givenId: unknown;
  #headers: Readonly<Record<string, string | undefined>>;
  #stream: ServerHttp2Stream | undefined;
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

  covers(message: object): boolean {
    return message === this.#stream || (message as { stream?: unknown }).stream === this.#stream;
  }

  closeConnection(): boolean {
    return true;
  }

  protected refuse(status: number, id: string): boolean {
    const stream = this.#stream;
    if (!stream || stream.destroyed || stream.writableEnded) return false;
    if (stream.headersSent) {
      // RST_STREAM INTERNAL_ERROR; `stream.close` with that code would end the answer first, as if it were whole.
      this.#broken = new Error('half an answer');
      stream.destroy(this.#broken);
      return false;
    }
    const { headers, body }: Answer = answerBody(status, id, this.#headers['accept']);
    stream.respond({ ':status': status, ...Object.fromEntries(headers) });
    stream.end(body);
    // The client need not send the rest of its body (RFC 9113, 8.1).
    if (!stream.readableEnded) stream.once('finish', () => stream.close(NGHTTP2_NO_ERROR));
    return true;
  }

  override [kEmit](emitter: EventEmitter, emit: Emit, args: Parameters<Emit>): boolean {
    return args[0] === 'error' && args[1] === this.#broken ? false : super[kEmit](emitter, emit, args);
  }

  protected forget(): void {
    this.#stream = undefined;
    this.#headers = {};
  }
}
