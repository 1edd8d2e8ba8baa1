// What Node knows of a server's HTTP/1 connections, and the two moves that hand-over is made of: a connection taken out of its
// socket with nothing of it read, and one taken in as if it had been accepted here. Everything here leans on Node's insides, so
// everything that does is here, and `test/process/handover.test.ts` tries it on every Node.
import type http from 'node:http';
import net from 'node:net';
import { Server as HttpServer } from '../config/http.js';

/** A libuv stream handle. */
export interface Handle {
  readonly writeQueueSize?: number;
  onread?: unknown;
  reading?: boolean;
  _consumed?: boolean;
  onconnection?(status: number, client: Handle): void;
  readStop(): number;
  close(): void;
}

/** Node's parser of one connection. Its callbacks have numbers for names. */
interface Parser {
  readonly socket: Inside | null;
  _consumed: boolean;
  unconsume(): void;
  execute(bytes: Buffer): number | Error;
  [callback: number]: unknown;
}

interface Connections {
  all(): Parser[];
  idle(): Parser[];
  /** Those that have not brought a whole head, or a whole request, for so long. */
  expired(headersTimeoutMs: number, requestTimeoutMs: number): Parser[];
}

type Inside = net.Socket & {
  _handle: Handle | null;
  /** The server that accepted it. */
  readonly _server?: net.Server;
  /** The response that is under way. */
  readonly _httpMessage?: object | null;
  readonly parser?: Parser | null;
};

export type Server = net.Server & { readonly _handle?: Handle | null; readonly _connections: number };

/** Of the parser's callbacks, those that a request calls: begin, headers, head complete, body, complete. */
const CALLBACKS = [0, 1, 2, 3, 4];
const WHOLE_REQUEST = Buffer.from('GET / HTTP/1.1\r\n\r\n');

function connectionsOf(server: net.Server): Connections | undefined {
  const key = Object.getOwnPropertySymbols(server).find(({ description }) => description === 'http.server.connections');
  return key && (server as unknown as Record<symbol, Connections>)[key];
}

/** Whether this server's connections can be moved: HTTP/1 in clear text. */
export const isMovable = (server: object | undefined): server is http.Server => server instanceof HttpServer;

/** Whether this very connection can be: one that a server of HTTP/1 accepted by itself, and that nobody has wrapped. */
export function isMovableSocket(socket: object | null | undefined): boolean {
  const { _server: server } = (socket ?? {}) as Partial<Inside>;
  return isMovable(server) && Object.getPrototypeOf(socket) === net.Socket.prototype;
}

/**
 * Connections on which nothing is under way, by Node's own list: no byte of a message is read that is not answered, none of an
 * answer is unsent. A connection that has brought nothing at all yet is one of them, though Node does not always list it.
 */
export function idleConnections(server: net.Server): { readonly socket: net.Socket; readonly fresh: boolean }[] {
  const connections = connectionsOf(server);
  if (connections === undefined) return [];
  const idle = new Set(connections.idle());
  const found: { socket: net.Socket; fresh: boolean }[] = [];
  for (const parser of connections.all()) {
    const { socket } = parser;
    if (socket === null || socket._server !== server || !isMovableSocket(socket)) continue;
    const fresh = socket.bytesRead === 0 && !takenInIdle.has(socket);
    if ((fresh || idle.has(parser)) && isQuiet(socket)) found.push({ socket, fresh });
  }
  return found;
}

/** Nothing is in Node's own buffers, on the way in or out. */
const isQuiet = (socket: Inside): boolean =>
  !socket.destroyed &&
  !!socket._handle &&
  !socket._httpMessage &&
  !socket.readableEnded &&
  !socket.writableEnded &&
  socket.readableLength === 0 &&
  socket.writableLength === 0 &&
  (socket._handle.writeQueueSize ?? 0) === 0;

/** Connections that have not brought a whole head for so long: most often they were opened ahead, and have sent nothing at all. */
export const headless = (server: net.Server, forMs: number): net.Socket[] =>
  forMs > 0 ? (connectionsOf(server)?.expired(forMs, 0) ?? []).flatMap(({ socket }) => socket ?? []) : [];

/**
 * What has come in and is unread stays in the kernel, for whoever reads next. To the program the connection has closed. Its parser
 * goes back to Node as with every connection that closes; `parser.remove()` would cost the next request on Node 24 and later.
 */
export function takeOut(socket: net.Socket): Handle | undefined {
  const inside = socket as Inside;
  const { _handle: handle, parser } = inside;
  if (!handle) return undefined;
  handle.readStop();
  if (parser?._consumed) parser.unconsume();
  if (parser) parser._consumed = false;
  handle.onread = () => {};
  // What Node notes on a handle itself: it may come back.
  handle.reading = false;
  handle._consumed = false;
  inside._handle = null;
  inside.destroy();
  return handle;
}

/** Whether it listens, and would not turn a connection away. */
export const canTakeIn = (server: Server): boolean =>
  server.listening &&
  !!server._handle?.onconnection &&
  server._connections < (server.maxConnections ?? Number.POSITIVE_INFINITY);

/** So many turns of the loop, in each of which newer versions of libuv accept one connection, are enough for a full backlog. */
const MOST_TURNS = 600;

/**
 * Calls `done` when a turn of the loop has brought no connection. Where nobody else holds the listening socket, to close it resets
 * those whose clients are connected and who only wait to be accepted.
 */
export function acceptRest(accepted: () => number, done: () => void): void {
  let turns = 0;
  let before = -1;
  const look = (): void => {
    const now = accepted();
    // What is called back at once may come before the loop has polled.
    if (turns > 1 && (now === before || turns > MOST_TURNS)) return done();
    before = now;
    turns++;
    setImmediate(look);
  };
  look();
}

/** As when the server accepts. Nothing is read before this turn of the loop is over. */
export const takeIn = (server: Server, handle: Handle): void => server._handle?.onconnection?.(0, handle);

/** How a connection that is taken out may come back, should nobody else take it: even when its server accepts no more. */
export function wayBack(server: Server): (handle: Handle) => void {
  const listening = server._handle ?? closed.get(server);
  return (handle) => listening?.onconnection?.(0, handle);
}

/** The listening handle of each server that is about to stop accepting. */
const closed = new WeakMap<net.Server, Handle>();

/** To be called before a server is closed whose connections may still come back. */
export function rememberListening(server: Server): void {
  if (server._handle) closed.set(server, server._handle);
}

/** Connections that have been served elsewhere, and have brought nothing here. */
const takenInIdle = new WeakSet<net.Socket>();
/** Whether there has been any: each request asks. */
let takesIn = false;

/**
 * To Node a new connection owes a head from the start, and is told 408 when none comes: one that has been served before owes none.
 * So the parser meets a whole request, of which nobody hears.
 */
export function setIdle(server: http.Server, socket: net.Socket): void {
  const { parser } = socket as Inside;
  if (!parser) return;
  takenInIdle.add(socket);
  takesIn = true;
  const callbacks = CALLBACKS.map((number) => [number, parser[number]] as const);
  for (const number of CALLBACKS) parser[number] = undefined;
  parser.execute(WHOLE_REQUEST);
  for (const [number, callback] of callbacks) parser[number] = callback;
  const { keepAliveTimeout, keepAliveTimeoutBuffer = 0 } = server as http.Server & { keepAliveTimeoutBuffer?: number };
  if (keepAliveTimeout > 0) socket.setTimeout(keepAliveTimeout + keepAliveTimeoutBuffer);
}

/** Its next request has come: Node's own `keepAliveTimeout` ends there, and so does ours. */
export function setBusy(server: http.Server, socket: net.Socket): void {
  if (takesIn && takenInIdle.delete(socket)) socket.setTimeout(server.timeout);
}

type Close = (this: net.Server) => void;
const closeIdle: Close = Reflect.get(HttpServer.prototype, 'closeIdleConnections');

/** Node's own, whatever stands in its place. */
export function closeIdleConnections(server: net.Server): void {
  if (connectionsOf(server)) closeIdle.call(server);
}

/** `server.close()` ends idle connections under their clients' next request, whoever calls it. Not while they are `wanted`. */
export function keepIdleConnections(wanted: () => boolean): void {
  for (const { prototype } of holders() as { prototype: http.Server }[])
    prototype.closeIdleConnections = function (this: http.Server) {
      if (!wanted()) closeIdle.call(this);
    };
}

/** `https` takes the method from `http` when it is loaded, which is for the program to do; where somebody has, it has Node's own. */
function holders(): { prototype: object }[] {
  const loaded = (process as { moduleLoadList?: readonly string[] }).moduleLoadList;
  const hasOwn = loaded?.includes('NativeModule https') ?? true;
  return [HttpServer, ...(hasOwn ? [process.getBuiltinModule('node:https').Server] : [])];
}
