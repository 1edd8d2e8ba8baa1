// How a connection is broken so that nobody takes half an answer for a whole one.
import type { Duplex } from 'node:stream';

/** What `node:net` keeps on a socket; under a TLS socket's handle lies the TCP socket. */
interface Inside {
  resetAndClosing?: boolean;
  readonly _handle?: { readonly _parentWrap?: Inside; readonly reset?: unknown } | null;
}

/**
 * Not `resetAndDestroy`: that says an orderly end first, which the client may take for a whole answer, and it refuses TLS.
 * A unix socket knows no reset.
 */
export function reset(socket: Duplex): void {
  const inside = (socket as Inside)._handle?._parentWrap ?? (socket as Inside);
  if (typeof inside._handle?.reset === 'function') inside.resetAndClosing = true;
  socket.destroy();
}
