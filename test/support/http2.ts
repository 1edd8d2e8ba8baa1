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
  /** NO_ERROR is 0, INTERNAL_ERROR is 2. */
  readonly code: number;
}

export async function openSession(t: ExecutionContext, origin: string): Promise<ClientHttp2Session> {
  const session = connect(origin, { rejectUnauthorized: false });
  session.on('error', () => {});
  t.teardown(() => session.destroy());
  await once(session, 'connect');
  return session;
}

/** A body that is shorter than its `content-length` is left open: it is still arriving. */
export function askStream(session: ClientHttp2Session, { path, method, headers, body }: Asked): Promise<StreamOutcome> {
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
  return new Promise((resolve) => stream.on('close', resolve)).then(() => ({
    status: Number(head[':status'] ?? 0),
    headers: Object.fromEntries(Object.entries(head).map(([name, value]) => [name, String(value)])),
    body: text,
    code: stream.rstCode ?? 0,
  }));
}
