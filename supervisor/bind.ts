// How a listening socket comes into being, and what a failure to make one means to the operator.
import dgram from 'node:dgram';
import { lookup } from 'node:dns/promises';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { getSystemErrorName } from 'node:util';
import { ExitCode, OperatorError } from '../config/exit-code.js';
import type { BindQuery } from '../worker/protocol.js';
import type { Inherited } from './inheritance.js';

/** A libuv handle that this process never polls. */
export interface Handle {
  readonly fd: number;
  close(): void;
  getsockname?(out: { address?: string; port?: number }): number;
  getpeername?(out: object): number;
  listen?(backlog: number): number;
}

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
export const EADDRINUSE = -98;

/** What a program's question asks for; a negative number is what libuv says of a failure. */

export function create(query: BindQuery): Handle | number {
  const { address, port, addressType, fd, flags } = query;
  try {
    if (addressType === 'udp4' || addressType === 'udp6') return createDatagram(query);
    const place = addressType === -1 && address !== null ? shortest(address) : address;
    return createServerHandle(place, port, addressType, fd, flags) ?? EINVAL;
  } catch (error) {
    return (error as { errno?: number }).errno ?? EINVAL;
  }
}

/** A socket at a path, or what libuv says of the failure. */
export const openPath = (address: string): Handle | number => createServerHandle(shortest(address), -1, -1, -1, 0);

/** A socket that somebody else has bound. */
export function adopt({ heirloom: { kind }, fd, handle: opened }: Inherited): Handle {
  if (opened) return opened;
  const handle =
    kind === 'stream'
      ? createServerHandle(null, null, -1, fd, 0)
      : createDatagram({ address: null, port: null, addressType: kind, fd, flags: 0, index: 0 });
  if (typeof handle === 'number') throw cannotBind(`the inherited descriptor ${fd}`, handle);
  return handle;
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
export function shortest(address: string): string {
  const relative = path.relative(process.cwd(), address);
  return address.startsWith('\0') || relative.length >= address.length ? address : relative;
}

export async function bindPort(host: string | undefined, port: number): Promise<Handle> {
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
export async function removeStale(address: string): Promise<boolean> {
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

/** The file of a unix socket that somebody else has bound: Node removes it only for the process that did. */
export function removePath(address: string): void {
  try {
    fs.rmSync(address, { force: true });
  } catch {
    // In a folder of root's, who we were when it was bound. The next start finds that nobody answers there.
  }
}
