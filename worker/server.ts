// Every server of the program, whatever made it: http, https, http2 and plain net servers all announce what comes in through one
// function that they inherit, `net.Server.prototype.emit`. There each request gets its domain. No listener of ours is on any
// server, request or response, so the program counts, orders and removes its own as if nobody were there.
import { EventEmitter } from 'node:events';
import type http from 'node:http';
import type { ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import net, { type AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Background } from './background.js';
import { acceptRest, closeIdleConnections, headless, keepIdleConnections, rememberListening } from './connections.js';
import { current, framed } from './domain/current.js';
import type { Emit } from './domain/emitters.js';
import type { HandOver } from './handover.js';
import { HttpRequest } from './http1.js';
import { StreamRequest } from './http2.js';
import { OpenRequests } from './open-requests.js';
import type { Beat, CutRequest } from './protocol.js';
import { type Ledger, Request } from './request.js';
import { Sessions } from './sessions.js';
import { TakenOver } from './taken-over.js';

type Server = net.Server;
type Counted = { readonly _connections: number };
type Account = Pick<Beat, 'served' | 'failed' | 'inFlight' | 'connections'>;
type Args = Parameters<Emit>;
type Headers = Record<string, string | undefined>;

/** How clients are told that the worker leaves, where their connection would not end by itself. */
export interface Parting {
  /** Over how long it is spread. */
  readonly spreadMs: number;
  /** WebSocket's close code. */
  readonly code: number;
  /** Nobody is expected to bring another request. */
  readonly quiet: () => void;
}

/** What is opened after that is told soon. */
const PART_AGAIN_MS = 500;

export interface Tally {
  listening(address: AddressInfo | string | null): void;
  /** An error that nobody caught, in an open request, after its client was answered. */
  failed(request: Request, error: unknown, origin: string): void;
  /** Nobody is owed an answer to it any more. */
  over(request: Request): void;
  /** While draining: no connection and no request is left. */
  emptied(): void;
}

export class Servers implements Ledger {
  readonly #tally: Tally;
  readonly #servers = new Set<Server>();
  readonly #handOver: HandOver;
  readonly #background: Background | undefined;
  readonly #sessions = new Sessions();
  readonly #open = new OpenRequests<Request>();
  #accepted = 0;
  #served = 0;
  #failed = 0;
  #linger: NodeJS.Timeout | undefined;
  #draining: { readonly lingerMs: number; readonly last: WeakMap<object, HttpRequest> } | undefined;

  /** `background`: where a drain waits for what requests have begun, too. */
  constructor(tally: Tally, handOver: HandOver, background?: Background) {
    this.#background = background;
    this.#tally = tally;
    this.#handOver = handOver;
  }

  /** `leaving`: whether what the program closes is closed because the worker is on its way out. */
  install(leaving: () => boolean): void {
    keepIdleConnections(leaving);
    const emit = Reflect.get(EventEmitter.prototype, 'emit') as Emit;
    const announce = (server: Server, args: Args): boolean => this.#announce(server, emit, args);
    net.Server.prototype.emit = function (this: Server): boolean {
      // oxlint-disable-next-line prefer-rest-params
      return announce(this, arguments as unknown as Args);
    };
  }

  #announce(server: Server, emit: Emit, args: Args): boolean {
    switch (args[0]) {
      case 'request':
      case 'checkContinue':
      case 'checkExpectation':
        return this.#request(server, emit, args, args[1] as http.IncomingMessage, args[2] as http.ServerResponse);
      case 'upgrade':
      case 'connect':
        return this.#takenOver(server, emit, args, args[1] as http.IncomingMessage, args[2] as Duplex);
      case 'connection':
        this.#accepted++;
        // One may come back to a server that has closed already.
        if (this.#draining) this.#servers.add(server);
        return this.#handOver.announce(server, args[1] as net.Socket, () => emit.apply(server, args));
      case 'stream':
        return this.#stream(server, emit, args, args[1] as ServerHttp2Stream);
      case 'session':
        this.#sessions.add(args[1] as ServerHttp2Session);
        break;
      case 'listening':
        return this.#listening(server, emit, args);
      case 'close':
        this.#servers.delete(server);
        this.look();
        break;
    }
    return emit.apply(server, args);
  }

  #listening(server: Server, emit: Emit, args: Args): boolean {
    this.#servers.add(server);
    this.#tally.listening(server.address());
    const heard = emit.apply(server, args);
    // It asked for its socket before the drain began.
    if (this.#draining && server.listening) net.Server.prototype.close.call(server);
    return heard;
  }

  #request(
    server: Server,
    emit: Emit,
    args: Args,
    request: http.IncomingMessage,
    response: http.ServerResponse,
  ): boolean {
    if (isPassedOn(request)) return emit.apply(server, args);
    if (this.#background === undefined) return this.#begin(server, emit, args, request, response);
    return this.#background.run(() => this.#begin(server, emit, args, request, response));
  }

  #begin(
    server: Server,
    emit: Emit,
    args: Args,
    request: http.IncomingMessage,
    response: http.ServerResponse,
  ): boolean {
    const domain = new HttpRequest(request, response, this);
    this.#handOver.request(server, request, response);
    if (this.#draining) this.#markLast(domain);
    return framed && isBeingParsed(request) ? domain.arrive(emit, server, args) : domain.announce(emit, server, args);
  }

  #takenOver(server: Server, emit: Emit, args: Args, request: http.IncomingMessage, socket: Duplex): boolean {
    if (isPassedOn(request)) return emit.apply(server, args);
    return new TakenOver(request, socket, this).announce(emit, server, args);
  }

  #stream(server: Server, emit: Emit, args: Args, stream: ServerHttp2Stream): boolean {
    this.#sessions.asked(stream.session as ServerHttp2Session | undefined);
    const begin = (): boolean => new StreamRequest(stream, args[2] as Headers, this).announce(emit, server, args);
    return this.#background ? this.#background.run(begin) : begin();
  }

  opened(request: Request): void {
    this.#open.add(request);
  }

  closed(request: Request): void {
    this.#open.delete(request);
    this.#tally.over(request);
    if (this.#handOver.wants) this.#handOver.look();
    this.#served++;
    if (request.isFailed) this.#failed++;
    if (this.#draining) current.run(undefined, () => this.#closedInDrain(request));
  }

  isLast(request: HttpRequest): boolean {
    let last = request;
    for (const other of this.#open)
      if (other instanceof HttpRequest && other.connection === request.connection) last = other;
    return last === request;
  }

  failed(request: Request, error: unknown, origin: string): void {
    this.#tally.failed(request, error, origin);
  }

  get open(): OpenRequests<Request> {
    return this.#open;
  }

  /** What a beat tells. */
  get account(): Account {
    let connections = 0;
    for (const server of this.#servers) connections += (server as unknown as Counted)._connections;
    return { served: this.#served, failed: this.#failed, inFlight: this.#open.size, connections };
  }

  get all(): ReadonlySet<Server> {
    return this.#servers;
  }

  /**
   * Stops accepting. Kept connections are handed over as soon as they are idle. Those which cannot be are left alone: each further
   * answer on them says that it is the last, and one that stays idle for `lingerMs` is closed.
   */
  drain(lingerMs: number, handOver: boolean, parting: Parting): void {
    this.#draining = { lingerMs, last: new WeakMap() };
    if (handOver) this.#handOver.begin(lingerMs, () => this.keep(), parting.quiet);
    setTimeout(parting.quiet, lingerMs).unref();
    this.#part(parting);
    for (const request of this.#open) this.#markLast(request);
    this.#sessions.drain(lingerMs);
    // Not `http.Server.prototype.close`: that destroys idle connections under their clients' next request.
    const close = (): void => {
      for (const server of this.#servers) {
        rememberListening(server as Parameters<typeof rememberListening>[0]);
        if (server.listening) net.Server.prototype.close.call(server);
      }
      this.#lingerFrom();
      setImmediate(() => this.look());
    };
    if (handOver) close();
    else acceptRest(() => this.#accepted, close);
  }

  /** What has no end of its own is told over a while, or all clients would come back at once. */
  #part({ spreadMs, code }: Parting): void {
    const upgraded = [...this.#open].filter((request) => request instanceof TakenOver);
    for (const [index, request] of upgraded.entries())
      setTimeout(() => request.part(code), (spreadMs * index) / upgraded.length).unref();
    const again = (): void => {
      for (const request of this.#open) request.part(code);
      setTimeout(again, PART_AGAIN_MS).unref();
    };
    setTimeout(again, spreadMs).unref();
  }

  /** Nobody takes connections over any more, or not fast enough: from now on they end here. */
  keep(): void {
    this.#handOver.end();
    if (this.#draining === undefined) return;
    for (const request of this.#open) this.#markLast(request);
    this.#lingerFrom();
  }

  /** Ends every request that is still open: 503 where headers are unsent. Returns them by name. */
  cut(doomed = false): CutRequest[] {
    for (const request of this.#open) if (request instanceof StreamRequest) request.doomed = doomed;
    return [...this.#open].map((request) => ({ ...request.description, answered: request.cut() }));
  }

  /** What would be written in the next tick is written now: to a worker that is about to be killed none comes. */
  flush(): void {
    const sessions = new Map<object | undefined, StreamRequest>();
    for (const request of this.#open)
      if (request instanceof HttpRequest) (request.connection as net.Socket | undefined)?.uncork();
      else if (request instanceof StreamRequest) sessions.set(request.session, request);
    for (const last of sessions.values()) last.flush();
  }

  /** Pipelined requests share a connection: only the last of them may announce its end. */
  #markLast(request: Request): void {
    const last = this.#draining?.last;
    if (request instanceof HttpRequest && this.#handOver.takes(request.connection)) return;
    if (last === undefined || !request.closeConnection() || !(request instanceof HttpRequest)) return;
    const connection = request.connection as object;
    last.get(connection)?.keepConnection();
    last.set(connection, request);
  }

  #closedInDrain(request: Request): void {
    // Its headers had gone out before the drain began: its connection is kept, and idle from now on.
    if (request instanceof HttpRequest && this.#draining?.last.get(request.connection as object) !== request)
      this.#lingerFrom();
    this.look();
  }

  /** From now on, every connection on which nothing is under way has the linger to bring something. */
  #lingerFrom(): void {
    const lingerMs = this.#draining?.lingerMs ?? 0;
    clearTimeout(this.#linger);
    const close = (): void => {
      for (const server of this.#servers) {
        closeIdleConnections(server);
        for (const socket of headless(server, lingerMs)) socket.destroy();
      }
      this.#lingerFrom();
      this.look();
    };
    // After a turn in which timers come late, requests have long arrived that are read before the next.
    this.#linger = setTimeout(() => setImmediate(close), lingerMs);
    this.#linger.unref();
  }

  /** Whether all is done. */
  look(): void {
    if (this.#draining === undefined || !this.isEmpty) return;
    clearTimeout(this.#linger);
    this.#tally.emptied();
  }

  /** No connection and no request is left, here or on its way. */
  get isEmpty(): boolean {
    const open = this.#open.size + this.#handOver.inFlight + (this.#background?.size ?? 0);
    if (open > 0) return false;
    for (const server of this.#servers) if (isInUse(server)) return false;
    return true;
  }
}

/** Whether this very request is being handed on, by a framework or by http2's own compatibility layer, inside its own domain. */
function isPassedOn(request: object): boolean {
  const domain = current.getStore();
  return domain instanceof Request && domain.covers(request);
}

/** Whether it is in the hands of the parser, whose announcement this is then. */
function isBeingParsed(request: http.IncomingMessage): boolean {
  const { socket } = request as { socket?: { parser?: { incoming?: unknown } | null } | null };
  return socket?.parser?.incoming === request;
}

/** `_connections` is what Node itself counts; `getConnections` would ask in a later tick. */
const isInUse = (server: Server): boolean => server.listening || (server as unknown as Counted)._connections > 0;
