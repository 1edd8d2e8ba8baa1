// The worker's side of the owned listening sockets. `node:net` and `node:dgram` ask one function, `cluster._getServer`, for a
// handle when a cluster worker listens; here it asks the supervisor, which owns the socket and never reads from it.
import cluster from 'node:cluster';
import type { Socket as UdpSocket } from 'node:dgram';
import net, { type AddressInfo } from 'node:net';
import path from 'node:path';
import type { Channel } from './channel.js';
import { current } from './domain/current.js';
import type { BindQuery, ToWorker } from './protocol.js';

/** A libuv handle, as Node's own modules pass it about. */
interface Handle {
  close(...args: unknown[]): unknown;
  listen?(backlog: number): number;
  /** UDP alone. */
  recvStart?(): number;
  recvStop?(): void;
}
type Listener = net.Server | UdpSocket;
type Asked = Listener & {
  _getServerData?(): { ticketKeys: string };
  _setServerData?(data: { ticketKeys: string }): void;
};
type Done = (error: number, handle?: Handle) => void;
type Options = Omit<BindQuery, 'index' | 'ticketKeys'>;

type Bound = Extract<ToWorker, { type: 'bound' }>;

export class Sockets {
  readonly #channel: Channel;
  readonly #listening: (address: AddressInfo) => void;
  readonly #asked = new Map<number, (answer: Bound, handle: Handle | undefined) => void>();
  /** Which indices of an address are in use: the same address listened on twice is a second socket, and most often an error. */
  readonly #indices = new Map<string, Set<number>>();
  /** Of UDP sockets. */
  readonly #datagrams = new Set<Handle>();
  /** What the program has closed in this turn of the loop. */
  readonly #closed: string[] = [];
  readonly #keys = new WeakMap<object, string>();
  readonly #servers = new Map<string, net.Server>();
  /** What `serve` sets going; undefined where nothing is held. */
  #held: (() => void)[] | undefined;
  #seq = 0;
  #draining = false;
  #keeping = false;

  constructor(channel: Channel, listening: (address: AddressInfo) => void, held: boolean) {
    this.#held = held ? [] : undefined;
    this.#channel = channel;
    this.#listening = listening;
  }

  install(): void {
    (cluster as unknown as { _getServer: unknown })._getServer = (listener: Asked, options: Options, done: Done) =>
      this.#ask(listener, options, done);
  }

  /** The answer to a question asked with `bind`. */
  bound(answer: Bound, handle: unknown): void {
    this.#asked.get(answer.seq)?.(answer, handle as Handle | undefined);
    this.#asked.delete(answer.seq);
  }

  /** By which name all workers know the socket that this server listens on. */
  keyOf(server: net.Server): string | undefined {
    return this.#keys.get(server);
  }

  serverOf(key: string): net.Server | undefined {
    return this.#servers.get(key);
  }

  /** The worker is on its way out, or will be: what its program closes is closed for that. */
  get keeps(): boolean {
    return this.#keeping;
  }

  /** What is closed from now on is closed because the worker leaves: the program did not give the address up. */
  keep(): void {
    this.#keeping = true;
  }

  /** Accepts, where it was held until now. */
  serve(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const begin of held) begin();
  }

  drain(): void {
    this.keep();
    this.#draining = true;
    // The other workers read on. Sending goes on here too: the program may still owe an answer.
    for (const handle of this.#datagrams) handle.recvStop?.();
  }

  #ask(listener: Asked, options: Options, done: Done): void {
    const isPath = (options.port ?? 0) < 0 && typeof options.address === 'string';
    const address = isPath && options.address !== null ? absolute(options.address) : options.address;
    const place = [address, options.port, options.addressType, options.fd].join(':');
    const index = this.#claim(place);
    const seq = ++this.#seq;

    this.#asked.set(seq, (answer, handle) => {
      if (answer.error !== 0 || handle === undefined) {
        this.#release(place, index);
        return done(answer.error || -22);
      }
      if (answer.ticketKeys !== undefined) listener._setServerData?.({ ticketKeys: answer.ticketKeys });
      this.#watchClose(handle, () => {
        this.#release(place, index);
        this.#datagrams.delete(handle);
        // To one that a drain has closed, connections may still come back.
        if (!this.#keeping && this.#servers.get(answer.key) === listener) this.#servers.delete(answer.key);
        this.#gaveUp(answer.key);
      });
      if (listener instanceof net.Server) {
        this.#keys.set(listener, answer.key);
        this.#servers.set(answer.key, listener);
      } else this.#datagram(listener, handle);
      if (this.#held) hold(handle, this.#held);
      done(0, handle);
    });
    const ticketKeys = listener._getServerData?.().ticketKeys;
    // It may be the address that was closed just now.
    this.#tellClosed();
    const { port, addressType, fd, flags, backlog } = options;
    const query = { address, port, addressType, fd, flags, index };
    this.#channel.tell({
      type: 'bind',
      seq,
      query: { ...query, ...(backlog !== undefined && { backlog }), ...(ticketKeys !== undefined && { ticketKeys }) },
    });
  }

  /** Told at the end of the turn: a program that closes its server and then leaves the cluster, as Node's documents do, leaves. */
  #gaveUp(key: string): void {
    if (this.#closed.push(key) === 1) current.run(undefined, () => setImmediate(() => this.#tellClosed()));
  }

  #tellClosed(): void {
    for (const key of this.#closed.splice(0)) if (!this.#keeping) this.#channel.tell({ type: 'closed', key });
  }

  /** TCP and unix servers are seen listening by `server.ts`; nobody else sees these. */
  #datagram(socket: UdpSocket, handle: Handle): void {
    this.#datagrams.add(handle);
    socket.once('listening', () => {
      if (this.#draining) handle.recvStop?.();
      this.#listening(socket.address());
    });
  }

  #claim(place: string): number {
    const taken = this.#indices.get(place) ?? new Set<number>();
    this.#indices.set(place, taken);
    let index = 0;
    while (taken.has(index)) index++;
    taken.add(index);
    return index;
  }

  #release(place: string, index: number): void {
    const taken = this.#indices.get(place);
    taken?.delete(index);
    if (taken?.size === 0) this.#indices.delete(place);
  }

  #watchClose(handle: Handle, closed: () => void): void {
    const close = handle.close.bind(handle);
    let told = false;
    handle.close = (...args) => {
      if (!told) closed();
      told = true;
      return close(...args);
    };
  }
}

/** A program that listens is told that it does; the socket is polled when the worker is called into service. */
function hold(handle: Handle, held: (() => void)[]): void {
  for (const begin of ['listen', 'recvStart'] as const) {
    const real = handle[begin] as ((...args: unknown[]) => number) | undefined;
    if (real === undefined) continue;
    handle[begin] = (...args: unknown[]): number => {
      held.push(() => {
        Reflect.deleteProperty(handle, begin);
        if (!closed) real.apply(handle, args);
      });
      return 0;
    };
  }
  let closed = false;
  const close = handle.close.bind(handle);
  handle.close = (...args) => {
    closed = true;
    return close(...args);
  };
}

/** A path begins where the program stands, which need not be where the supervisor does. An abstract name is no path. */
const absolute = (address: string): string => (address.startsWith('\0') ? address : path.resolve(address));
