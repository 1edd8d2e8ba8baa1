// The listening sockets. The supervisor binds and owns them, never reads from them, and gives each worker that listens a copy:
// workers accept by themselves, and while none is alive clients wait in the kernel's backlog.
import dgram from 'node:dgram';
import { lookup } from 'node:dns/promises';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { getSystemErrorName } from 'node:util';
import type { ListenAddress } from '../config/config.js';
import { ExitCode, OperatorError } from '../config/exit-code.js';
import type { BindQuery } from '../worker/protocol.js';

/** A libuv handle that this process never polls. */
export interface Handle {
  close(): void;
  getsockname?(out: { address?: string; port?: number }): number;
  listen?(backlog: number): number;
}

interface OwnedSocket {
  readonly handle: Handle;
  /** Workers that listen on it. */
  readonly holders: Set<number>;
  /** The newest worker there was when the last holder died: only a later one can be its successor. */
  orphanedAt: number | undefined;
  /** The first worker's; the others take them over. */
  ticketKeys: string | undefined;
}

export type Bound =
  | { readonly key: string; readonly handle: Handle; readonly ticketKeys: string | undefined }
  | { readonly key: string; readonly error: number };

type CreateServerHandle = (
  address: string | null,
  port: number | null,
  type: unknown,
  fd: unknown,
  flags: number,
) => Handle | number;
const createServerHandle = (net as unknown as { _createServerHandle: CreateServerHandle })._createServerHandle;

const BACKLOG = 511;
const EINVAL = -22;
const EADDRINUSE = -98;

export class Sockets {
  readonly #owned = new Map<string, OwnedSocket>();
  /** Bound because the operator said so, by port or path; they stay whatever the workers do. */
  readonly #pinned = new Map<string, OwnedSocket>();
  readonly #tookOver: (path: string) => void;
  #newest = 0;

  /** `tookOver` hears of each path that a dead process had left behind. */
  constructor(tookOver: (path: string) => void) {
    this.#tookOver = tookOver;
  }

  /** Binds an address before any worker starts. One that is taken fails here and by name. */
  async pin(address: ListenAddress): Promise<void> {
    const handle = 'path' in address ? await this.#pinPath(address.path) : await bindPort(address.host, address.port);
    this.#pinned.set(placeOf(address), own(handle));
  }

  async bind(worker: number, query: BindQuery): Promise<Bound> {
    this.#newest = Math.max(this.#newest, worker);
    const key = [query.address, query.port, query.addressType, query.fd, query.index].join(':');
    const find = (): OwnedSocket | undefined => this.#pinned.get(pinnedPlace(query)) ?? this.#owned.get(key);
    let owned = find() ?? this.#create(key, query);
    // While the old path was looked at, another worker's question may have been answered.
    if (owned === EADDRINUSE && query.addressType === -1 && (await this.#clear(query.address ?? '')))
      owned = find() ?? this.#create(key, query);
    if (typeof owned === 'number') return { key, error: owned };
    owned.holders.add(worker);
    owned.orphanedAt = undefined;
    owned.ticketKeys ??= query.ticketKeys;
    return { key, handle: owned.handle, ticketKeys: owned.ticketKeys };
  }

  /** The program gave the address up. When all that listened there have, nobody is left for whom clients should wait. */
  closed(worker: number, key: string): void {
    const owned = this.#owned.get(key);
    if (!owned?.holders.delete(worker) || owned.holders.size > 0) return;
    this.#owned.delete(key);
    owned.handle.close();
  }

  /**
   * A dead worker gives nothing up: its clients wait for its successor. What a later worker lived and died without asking for,
   * such as a path with its predecessor's pid in it, is waited for in vain.
   */
  gone(worker: number): void {
    const all = [...this.#owned.values(), ...this.#pinned.values()];
    const listened = all.some(({ holders }) => holders.has(worker));
    for (const [key, owned] of this.#owned) {
      if (listened && owned.orphanedAt !== undefined && worker > owned.orphanedAt) {
        this.#owned.delete(key);
        owned.handle.close();
      } else if (owned.holders.delete(worker) && owned.holders.size === 0) owned.orphanedAt = this.#newest;
    }
    for (const { holders } of this.#pinned.values()) holders.delete(worker);
  }

  /** Closes everything; the paths of unix sockets go with it. */
  close(): void {
    for (const { handle } of [...this.#owned.values(), ...this.#pinned.values()]) handle.close();
    this.#owned.clear();
    this.#pinned.clear();
  }

  #create(key: string, query: BindQuery): OwnedSocket | number {
    const handle = create(query);
    if (typeof handle === 'number') return handle;
    // A TCP socket that is only bound keeps EADDRINUSE to itself until it listens, unless it is asked for its name.
    const error = handle.getsockname?.({}) ?? 0;
    if (error !== 0 && isTcp(query)) {
      handle.close();
      return error;
    }
    const owned = own(handle);
    this.#owned.set(key, owned);
    return owned;
  }

  async #pinPath(address: string): Promise<Handle> {
    const open = (): Handle | number => createServerHandle(shortest(address), -1, -1, -1, 0);
    let handle = open();
    if (handle === EADDRINUSE && (await this.#clear(address))) handle = open();
    if (typeof handle === 'number') throw cannotBind(address, handle);
    return handle;
  }

  /** A path of ours at which no worker listens yet refuses like one that was left behind. */
  async #clear(address: string): Promise<boolean> {
    const ours = [...this.#owned.keys()].some((key) => key.startsWith(`${address}:-1:`));
    if (ours || this.#pinned.has(placeOf({ path: address })) || !(await removeStale(address))) return false;
    this.#tookOver(address);
    return true;
  }
}

const own = (handle: Handle): OwnedSocket => ({
  handle,
  holders: new Set(),
  orphanedAt: undefined,
  ticketKeys: undefined,
});

const isTcp = ({ addressType }: BindQuery): boolean => addressType === 4 || addressType === 6;

function create(query: BindQuery): Handle | number {
  const { address, port, addressType, fd, flags } = query;
  try {
    if (addressType === 'udp4' || addressType === 'udp6') return createDatagram(query);
    const place = addressType === -1 && address !== null ? shortest(address) : address;
    return createServerHandle(place, port, addressType, fd, flags) ?? EINVAL;
  } catch (error) {
    return (error as { errno?: number }).errno ?? EINVAL;
  }
}

/** UDP's flags, as libuv has them. */
const UDP_IPV6ONLY = 1;
const UDP_REUSEADDR = 4;

/** A bound UDP socket of node:dgram's making whose reading is stopped before the loop has turned once. */
function createDatagram({ address, port, addressType, fd, flags }: BindQuery): Handle | number {
  const type = addressType as 'udp4' | 'udp6';
  let failure: number | undefined;
  const socket = dgram.createSocket({
    type,
    reuseAddr: (flags & UDP_REUSEADDR) !== 0,
    ipv6Only: (flags & UDP_IPV6ONLY) !== 0,
    lookup: (host, _options, done) => done(null, host, type === 'udp4' ? 4 : 6),
  });
  socket.on('error', (error: NodeJS.ErrnoException) => (failure ??= error.errno));
  if (typeof fd === 'number' && fd >= 0) socket.bind({ fd });
  else socket.bind({ port: port ?? 0, exclusive: true, ...(address !== null && { address }) });
  const state = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'state symbol');
  const { handle } =
    (socket as unknown as Record<symbol, { handle: (Handle & { recvStop(): void }) | null }>)[state as symbol] ?? {};
  if (failure !== undefined || !handle) return failure ?? EINVAL;
  handle.recvStop();
  return handle;
}

/** The kernel takes about 100 bytes of a path: deep folders are reached from here, as node:cluster does it. */
function shortest(address: string): string {
  const relative = path.relative(process.cwd(), address);
  return address.startsWith('\0') || relative.length >= address.length ? address : relative;
}

const placeOf = (address: ListenAddress): string =>
  'path' in address ? `path:${address.path}` : `port:${address.port}`;

/** What a program asks for is the operator's address where the port, or the path, is the same: theirs is the more explicit wish. */
function pinnedPlace({ address, port, addressType, index }: BindQuery): string {
  if (index !== 0) return '';
  if (addressType === -1) return `path:${address}`;
  return addressType === 4 || addressType === 6 ? `port:${port}` : '';
}

async function bindPort(host: string | undefined, port: number): Promise<Handle> {
  const name = `${host === undefined ? '*' : host.includes(':') ? `[${host}]` : host}:${port}`;
  const found = host === undefined ? undefined : await addressOf(host, name);
  const open = (): Handle => {
    const handle = createServerHandle(found?.address ?? null, port, found?.family ?? 4, -1, 0);
    if (typeof handle === 'number') throw cannotBind(name, handle);
    return handle;
  };
  // Only listening shows whether the address is free, and a handle that listens is polled: so one to try, and one to keep.
  const trial = open();
  const error = trial.getsockname?.({}) || trial.listen?.(BACKLOG) || 0;
  trial.close();
  if (error !== 0) throw cannotBind(name, error);
  return open();
}

/** The first of a name's addresses, as `server.listen` takes it. */
async function addressOf(host: string, name: string): Promise<{ address: string; family: number }> {
  try {
    return await lookup(host);
  } catch (error) {
    throw new OperatorError(
      `cannot listen on ${name}: nobody knows ${host} (${(error as NodeJS.ErrnoException).code}). Give an address of this machine.`,
      ExitCode.cannotCreate,
    );
  }
}

/** What a failed bind means to the operator, and what to do about it. */
export function cannotBind(name: string, error: number): OperatorError {
  const code = getSystemErrorName(error);
  switch (code) {
    case 'EADDRINUSE':
      return new OperatorError(
        `cannot listen on ${name}: the address is taken (EADDRINUSE). Another process listens there: end it, or choose another address.`,
        ExitCode.cannotCreate,
      );
    case 'EACCES':
      return new OperatorError(
        `cannot listen on ${name}: permission denied (EACCES). Ports below 1024 need root, CAP_NET_BIND_SERVICE or a systemd socket; a path needs a directory you may write to.`,
        ExitCode.permission,
      );
    default:
      return new OperatorError(`cannot listen on ${name}: ${code}.`, ExitCode.cannotCreate);
  }
}

/**
 * A unix socket whose owner died without removing it: a file that nobody answers at. Removed, so that the path is free again.
 * Connecting to any other file is refused likewise, so only a socket is ever removed.
 */
async function removeStale(address: string): Promise<boolean> {
  if (address.startsWith('\0') || !fs.lstatSync(address, { throwIfNoEntry: false })?.isSocket()) return false;
  const refused = await new Promise<boolean>((done) => {
    const socket = net.connect({ path: shortest(address) });
    socket
      .once('connect', () => done(false))
      .once('error', (error: NodeJS.ErrnoException) => done(error.code === 'ECONNREFUSED'));
    socket.once('connect', () => socket.destroy());
  });
  if (!refused) return false;
  try {
    fs.rmSync(address, { force: true });
    return true;
  } catch {
    // A folder in which nothing may be removed: the path stays taken.
    return false;
  }
}
