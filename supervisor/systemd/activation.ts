// Sockets that systemd has bound and hands over: where each of them listens, so that a worker that asks for that address gets it.
import fs from 'node:fs';
import { ExitCode, OperatorError } from '../../config/exit-code.js';
import { adopt, type Handle } from '../bind.js';
import type { Inherited } from '../inheritance.js';

interface Descriptor {
  readonly fd: number;
  readonly name: string;
}

/** @throws {OperatorError} where one of them is no listening stream socket: nobody would ever answer there. */
export function lentBy(descriptors: readonly Descriptor[]): Inherited[] {
  return descriptors.map((descriptor): Inherited => {
    const { fd, name } = descriptor;
    const path = unixPathOf(fd);
    if (path !== undefined) return { fd, heirloom: { lent: name, place: `path:${path}`, kind: 'stream', path } };
    const handle = opened(descriptor);
    const bound: { address?: string; port?: number } = {};
    if (handle.getsockname?.(bound) !== 0 || bound.port === undefined)
      throw unusable(descriptor, 'is no socket that listens');
    if (handle.getpeername?.({}) === 0)
      throw unusable(descriptor, 'is a connection; write Accept=no into the socket unit');
    const host = bound.address === undefined ? {} : { host: bound.address };
    return { fd, handle, heirloom: { lent: name, place: `port:${bound.port}`, kind: 'stream', ...host } };
  });
}

function opened(descriptor: Descriptor): Handle {
  try {
    return adopt({ fd: descriptor.fd, heirloom: { place: '', kind: 'stream' } });
  } catch {
    throw unusable(descriptor, 'is no stream socket, and workers cannot share another one');
  }
}

const unusable = ({ fd, name }: Descriptor, why: string): OperatorError =>
  new OperatorError(
    `systemd hands over "${name}" (descriptor ${fd}), which ${why}. Take it out of the unit, or end its socket unit.`,
    ExitCode.badConfig,
  );

/** Of a unix socket that listens for streams; an abstract one begins with NUL. */
function unixPathOf(fd: number): string | undefined {
  try {
    const [, inode] = /^socket:\[(\d+)\]$/.exec(fs.readlinkSync(`/proc/self/fd/${fd}`)) ?? [];
    return inode === undefined ? undefined : listeningPath(fs.readFileSync('/proc/self/net/unix', 'utf8'), inode);
  } catch {
    return undefined;
  }
}

/** Flags 10000 are a socket that listens, type 1 is a stream. */
export function listeningPath(table: string, inode: string): string | undefined {
  for (const line of table.split('\n')) {
    const [, here, path] = /^\S+ \S+ \S+ 00010000 0001 \S+ +(\d+) (.+)$/.exec(line) ?? [];
    if (here === inode) return path?.replace(/^@/, '\0');
  }
  return undefined;
}
