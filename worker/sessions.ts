// HTTP/2 sessions on the way out. A GOAWAY that leaves all streams open, RFC 9113's first step, is not to be had from Node: once any
// GOAWAY is sent, nghttp2 drops every further stream unheard, whatever number stood in it, and a client that had just asked is
// refused by the second. So a session is told when its client has just asked: the answer is what it waits for next.
import type { ServerHttp2Session } from 'node:http2';

export class Sessions {
  readonly #sessions = new Set<ServerHttp2Session>();
  #lingerMs: number | undefined;

  /** Node's list of a server's sessions is not public. */
  add(session: ServerHttp2Session): void {
    this.#sessions.add(session);
    session.once('close', () => this.#sessions.delete(session));
    if (this.#lingerMs !== undefined) linger(session, this.#lingerMs);
  }

  drain(lingerMs: number): void {
    this.#lingerMs = lingerMs;
    for (const session of this.#sessions) linger(session, lingerMs);
  }

  /** A stream has come in, and those that were sent with it are read in the same turn of the loop. */
  asked(session: ServerHttp2Session | undefined): void {
    if (session && this.#lingerMs !== undefined) setImmediate(close, session);
  }
}

/** A client that asks nothing more is told all the same. */
function linger(session: ServerHttp2Session, lingerMs: number): void {
  // What has arrived is read before.
  const timer = setTimeout(() => setImmediate(close, session), lingerMs).unref();
  session.once('close', () => clearTimeout(timer));
}

/** GOAWAY with the last stream that was taken; running streams finish. */
function close(session: ServerHttp2Session): void {
  if (!session.closed && !session.destroyed) session.close();
}
