// Connections that move between workers. A worker that drains, or holds more than its share, takes idle ones out of their sockets
// unread and sends them to the supervisor; one that is given them carries on as if it had accepted them.
import type http from 'node:http';
import type net from 'node:net';
import { Allowance } from './allowance.js';
import type { Channel } from './channel.js';
import {
  canTakeIn,
  type Handle,
  idleConnections,
  isMovable,
  isMovableSocket,
  type Server,
  setBusy,
  setIdle,
  takeIn,
  takeOut,
  wayBack,
} from './connections.js';
import { current } from './domain/current.js';
import type { Moved } from './protocol.js';
import type { Sockets } from './sockets.js';

/** What becomes idle without an answer's end, such as an answered request whose body arrives late, is found by looking. */
const LOOK_EVERY_MS = 50;
/** How often the supervisor hears how many connections there are, while that changes. */
const TELL_EVERY_MS = 100;

interface Away {
  readonly moved: Moved;
  readonly handle: Handle;
  readonly back: (handle: Handle) => void;
}

/** Of a whole drain: `quiet` hears, once, that nobody is idle here any more. From then on whoever becomes idle goes at once. */
type Drain =
  | { readonly at: 'none' }
  | { readonly at: 'leaving'; readonly quiet: () => void }
  | { readonly at: 'quiet' };

type Served = net.Socket & { [kServed]?: number };
const kServed = Symbol('requests');

export class HandOver {
  readonly #channel: Channel;
  readonly #sockets: Sockets;
  readonly #servers: () => ReadonlySet<net.Server>;
  readonly #sent: () => void;
  readonly #open: () => number;
  #wanted = 0;
  /** Taken out here, and not yet known to have arrived in the supervisor. */
  readonly #away = new Map<number, Away>();
  readonly #allowance = new Allowance();
  #seq = 0;
  #looking = false;
  #timer: NodeJS.Timeout | undefined;
  #ending: NodeJS.Timeout | undefined;
  #drain: Drain = { at: 'none' };
  /** Undefined where nobody wants to know. */
  #told: { readonly connections: number; readonly requests: number } | undefined;
  #telling: NodeJS.Timeout | undefined;
  /** `kept`: what is here ends here, and what was under way when that was said may come here. */
  #end: 'open' | 'kept' | 'closed' = 'open';
  /** Set while a connection is being taken in: what its `connection` event is told with. */
  #arriving: Moved | undefined;

  /** `sent`: one of them has arrived, or come back. `open`: how many requests are. */
  constructor(
    channel: Channel,
    sockets: Sockets,
    servers: () => ReadonlySet<net.Server>,
    sent: () => void,
    open: () => number,
  ) {
    this.#open = open;
    this.#channel = channel;
    this.#sockets = sockets;
    this.#servers = servers;
    this.#sent = sent;
  }

  get #drains(): boolean {
    return this.#wanted === Number.POSITIVE_INFINITY;
  }

  get inFlight(): number {
    return this.#away.size;
  }

  /**
   * Every connection goes as soon as it is idle. Those which are idle now have `forMs` to be gone; then it is over. `quiet` hears
   * that none of them is left.
   */
  begin(forMs: number, over: () => void, quiet: () => void): void {
    this.#wanted = Number.POSITIVE_INFINITY;
    this.#drain = { at: 'leaving', quiet };
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
    this.#ending = setTimeout(() => {
      if (this.#idle(1).length === 0) return;
      this.end();
      over();
    }, forMs).unref();
    this.#look();
  }

  end(): void {
    if (this.#end === 'open') this.#end = 'kept';
    this.#wanted = 0;
    clearInterval(this.#timer);
    clearTimeout(this.#ending);
  }

  /** The worker leaves: it takes nothing in. */
  close(): void {
    this.#end = 'closed';
  }

  /** So many, as soon as they are idle; a later word replaces an earlier one. */
  passOn(count: number): void {
    if (!this.#drains && this.#end === 'open') this.#wanted = count;
    this.#look();
  }

  /** From now on the supervisor hears how many connections are held here. */
  tellHeld(): void {
    this.#told = { connections: -1, requests: 0 };
    this.#tellSoon();
  }

  #tellSoon(): void {
    this.#telling ??= setTimeout(() => {
      this.#telling = undefined;
      const held = { connections: this.#held(), requests: this.#open() };
      if (held.connections !== this.#told?.connections || held.requests !== this.#told.requests)
        this.#channel.tell({ type: 'held', ...held });
      this.#told = held;
      this.#look();
      if (held.connections > 0) this.#tellSoon();
    }, TELL_EVERY_MS).unref();
  }

  #held(): number {
    let held = 0;
    for (const server of this.#servers()) if (isMovable(server)) held += (server as unknown as Server)._connections;
    return held;
  }

  /** Whether this connection will be handed over when nothing is under way on it. */
  takes(socket: unknown): boolean {
    return this.#drains && isMovableSocket(socket as object);
  }

  /** Whether connections are to go that are not idle yet. */
  get wants(): boolean {
    return this.#wanted > 0;
  }

  /** Something may have become idle. In this very turn: before its connection brings the next request. */
  look(): void {
    if (this.#wanted > 0 && !this.#looking) current.run(undefined, () => process.nextTick(() => this.#look()));
  }

  #look(): void {
    if (this.#looking || this.#wanted === 0) return;
    const drain = this.#drain;
    if (drain.at !== 'quiet' && !this.#allowance.isLow) return;
    this.#looking = true;
    const found = this.#idle(drain.at === 'quiet' ? this.#wanted : Math.min(this.#allowance.room, this.#wanted));
    for (const one of found) this.#give(one.socket, one.server, one.fresh);
    this.#looking = false;
    if (drain.at !== 'leaving' || found.length > 0 || this.#away.size > 0) return;
    this.#drain = { at: 'quiet' };
    drain.quiet();
  }

  #idle(most: number): { socket: net.Socket; fresh: boolean; server: net.Server }[] {
    const found: { socket: net.Socket; fresh: boolean; server: net.Server }[] = [];
    for (const server of this.#servers()) {
      if (found.length >= most) break;
      if (!isMovable(server) || this.#sockets.keyOf(server) === undefined) continue;
      for (const one of idleConnections(server)) found.push({ ...one, server });
    }
    // Nobody has been served on a fresh one: it moves first.
    return found.toSorted((one, other) => Number(other.fresh) - Number(one.fresh)).slice(0, Math.max(0, most));
  }

  #give(socket: net.Socket, server: net.Server, fresh: boolean): void {
    const key = this.#sockets.keyOf(server) ?? '';
    const requests = (socket as Served)[kServed] ?? 0;
    const back = wayBack(server as Server);
    const handle = takeOut(socket);
    if (handle === undefined) return;
    const moved = { key, fresh, requests };
    const seq = ++this.#seq;
    this.#away.set(seq, { moved, handle, back });
    this.#wanted--;
    this.#allowance.began(performance.now());
    this.#channel.give({ type: 'hand-over', seq, moved }, handle);
  }

  /** The supervisor has it. */
  received(seq: number): void {
    this.#away.get(seq)?.handle.close();
    this.#away.delete(seq);
    this.#sent();
  }

  /** One of them is with who will serve it: another may follow. */
  arrived(): void {
    this.#allowance.arrived(performance.now());
    this.#look();
  }

  /** Nobody can have it. */
  returned(seq: number): void {
    const away = this.#away.get(seq);
    if (away === undefined) return;
    this.#away.delete(seq);
    this.#allowance.arrived(performance.now());
    this.#takeBack(away);
    this.#sent();
  }

  #takeBack({ moved, handle, back }: Away): void {
    this.#arriving = moved;
    back(handle);
    this.#arriving = undefined;
  }

  /**
   * Nobody is there to hand anything to. What has not been received comes back: the word that it was goes out before it is given to
   * another worker, and is read before the channel's end.
   */
  orphaned(): void {
    this.end();
    const all = [...this.#away.values()];
    this.#away.clear();
    for (const away of all) this.#takeBack(away);
  }

  /** What is not taken in is still the supervisor's: another worker gets it. */
  takeOver(seq: number, moved: Moved, handle: Handle | undefined): void {
    const server = this.#sockets.serverOf(moved.key) as Server | undefined;
    const wayIn = server && this.#wayIn(server);
    this.#channel.tell({ type: 'taken', seq, ok: wayIn !== undefined && handle !== undefined });
    if (wayIn === undefined || handle === undefined) return handle?.close();
    this.#takeBack({ moved, handle, back: wayIn });
  }

  #wayIn(server: Server): ((handle: Handle) => void) | undefined {
    switch (this.#end) {
      case 'open':
        return !this.#drains && canTakeIn(server) ? (handle) => takeIn(server, handle) : undefined;
      case 'kept':
        return wayBack(server);
      case 'closed':
        return undefined;
    }
  }

  /** Announces a connection, and puts one that was served elsewhere where it was there. */
  announce(server: net.Server, socket: net.Socket, announce: () => boolean): boolean {
    const moved = this.#arriving;
    this.#arriving = undefined;
    if (this.#told !== undefined && this.#telling === undefined) current.run(undefined, () => this.#tellSoon());
    const heard = announce();
    if (moved === undefined || moved.fresh || !isMovable(server)) return heard;
    (socket as Served)[kServed] = moved.requests;
    setIdle(server, socket);
    return heard;
  }

  /** Before each request: what Node counts by itself for connections that it accepted. */
  request(server: net.Server, { socket }: http.IncomingMessage, response: http.ServerResponse): void {
    const most = (server as http.Server).maxRequestsPerSocket;
    const served = socket as Served;
    setBusy(server as http.Server, served);
    if (most === null || !(most > 0)) return;
    served[kServed] = (served[kServed] ?? 0) + 1;
    if (served[kServed] >= most) Object.assign(response, { maxRequestsOnConnectionReached: true });
  }
}
