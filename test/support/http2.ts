// A client of HTTP/2 that says how each stream ended.
import { once } from 'node:events';
import { type ClientHttp2Session, connect } from 'node:http2';
import type { ExecutionContext } from 'ava';
import type { Asked } from './client.js';

export interface StreamOutcome {
  /** 0 where no head came. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly code: number;
}

/** NO_ERROR, INTERNAL_ERROR, REFUSED_STREAM. */
export const code = { none: 0, internal: 2, refused: 7 } as const;

/** What the server has said to be the last stream that it takes. */
const lastTaken = new WeakMap<ClientHttp2Session, number>();

export async function openSession(t: ExecutionContext, origin: string): Promise<ClientHttp2Session> {
  const session = connect(origin, { rejectUnauthorized: false });
  session.on('error', () => {});
  session.on('goaway', (_code, last) => lastTaken.set(session, last));
  t.teardown(() => session.destroy());
  await once(session, 'connect');
  return session;
}

/**
 * A stream that was never sent, or that the server has said it did not take, counts as refused: its client may ask again on
 * another session (RFC 9113, 6.8). A body that is shorter than its `content-length` is left open: it is still arriving.
 */
export function askStream(session: ClientHttp2Session, { path, method, headers, body }: Asked): Promise<StreamOutcome> {
  if (session.closed || session.destroyed)
    return Promise.resolve({ status: 0, headers: {}, body: '', code: code.refused });
  const stream = session.request({
    ':path': path,
    ':method': method ?? (body === undefined ? 'GET' : 'POST'),
    ...headers,
  });
  let text = '';
  let head: Record<string, unknown> = {};
  stream.on('response', (given) => (head = given as Record<string, unknown>));
  stream.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
  stream.on('error', () => {});
  // The answer is whole; that we have not said all is no matter any more.
  stream.on('end', () => stream.close());
  if (body !== undefined) {
    stream.write(body);
    if (headers?.['content-length'] === undefined) stream.end();
  }
  const wasTaken = (): boolean =>
    head[':status'] !== undefined || (stream.id !== undefined && stream.id <= (lastTaken.get(session) ?? stream.id));
  return new Promise((resolve) => stream.on('close', resolve)).then(() => ({
    status: Number(head[':status'] ?? 0),
    headers: Object.fromEntries(Object.entries(head).map(([name, value]) => [name, String(value)])),
    body: text,
    code: wasTaken() ? (stream.rstCode ?? 0) : code.refused,
  }));
}
