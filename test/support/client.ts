// A client of one connection that believes nothing: it reads HTTP/1 strictly, says what became of each request, and never sends
// anything twice. What an ordinary client could take for a whole answer is one.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { ExecutionContext } from 'ava';

export interface Target {
  readonly port: number;
  readonly secure?: boolean;
  /** Of a unix socket, which is asked instead of the port. */
  readonly socketPath?: string;
}

export interface Asked {
  readonly path: string;
  readonly method?: string;
  readonly version?: '1.0' | '1.1';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Answer {
  readonly became: 'answered';
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The status codes of what came before it: 100 Continue and its like. */
  readonly interim: readonly number[];
}

export type Outcome =
  | Answer
  /** The connection was over before the answer was whole, and nobody can take it for whole. */
  | { readonly became: 'broken'; readonly text: string; readonly why: string };

/** Nothing in a test takes this long but what will never come. */
const PATIENCE_MS = 25_000;

/** A GET unless told otherwise; a body brings its length unless told otherwise. */
export function bytesOf({ path, method, version = '1.1', headers = {}, body }: Asked): string {
  const all: Record<string, string> = { host: 'localhost', ...headers };
  if (body !== undefined) {
    all['content-type'] ??= 'application/octet-stream';
    all['content-length'] ??= String(Buffer.byteLength(body));
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method ?? (body === undefined ? 'GET' : 'POST')} ${path} HTTP/${version}\r\n${lines.join('')}\r\n${body ?? ''}`;
}

export class Connection {
  readonly #socket: Socket;
  readonly #connected: Promise<unknown>;
  readonly #waiting = new Set<() => void>();
  #text = '';
  #over: { readonly clean: boolean; readonly why: string } | undefined;
  /** Resolves when the connection is over; to whether it was ended in order. */
  readonly closed: Promise<boolean>;

  constructor(t: ExecutionContext, { port, secure = false, socketPath }: Target) {
    const place = socketPath === undefined ? { port, host: '127.0.0.1' } : { path: socketPath };
    const to = { ...place, allowHalfOpen: true };
    const socket = secure
      ? connectTls({ ...to, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] } as ConnectionOptions)
      : connect(to);
    this.#socket = socket;
    this.#connected = once(socket, secure ? 'secureConnect' : 'connect').catch(() => {});
    t.teardown(() => void socket.destroy());
    const over = (clean: boolean, why: string): void => {
      this.#over ??= { clean, why };
      for (const look of this.#waiting) look();
    };
    socket.setNoDelay().setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.#text += text;
      for (const look of this.#waiting) look();
    });
    // To a reader that is late, a connection that was reset looks as if it had ended in order; to a writer it does not.
    socket.on('end', () => {
      socket.write('\r\n', (error) => {
        over(!error, 'the connection was ended');
        socket.destroy();
      });
    });
    socket.on('error', (error: NodeJS.ErrnoException) => over(false, error.code ?? error.message));
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        over(false, 'the connection was closed');
        resolve(this.#over?.clean ?? false);
      });
    });
  }

  async connected(): Promise<this> {
    await this.#connected;
    return this;
  }

  get isOver(): boolean {
    return this.#over !== undefined;
  }

  get localPort(): number | undefined {
    return this.#socket.localPort;
  }

  send(text: string): void {
    this.#socket.write(text, 'latin1');
  }

  /** Asks, and waits for the answer. */
  ask(asked: Asked | string): Promise<Outcome> {
    const request = typeof asked === 'string' ? { path: asked } : asked;
    this.send(bytesOf(request));
    return this.answer(request.method);
  }

  /** The next answer on this connection. */
  answer(method = 'GET'): Promise<Outcome> {
    return this.#take((text) => read(text, method, this.#over?.clean ?? false)).then(
      ({ answer }) => answer,
      (error: unknown): Outcome => ({ became: 'broken', text: this.#text, why: (error as Error).message }),
    );
  }

  /** Whatever comes next, HTTP or not, up to and with what matches. */
  async text(until: RegExp): Promise<string> {
    const { match } = await this.#take((text) => {
      const found = until.exec(text);
      return found === null
        ? undefined
        : { match: text.slice(0, found.index + found[0].length), rest: text.slice(found.index + found[0].length) };
    });
    return match;
  }

  end(): void {
    this.#socket.end();
  }

  close(): void {
    this.#socket.destroy();
  }

  #take<T extends { readonly rest: string }>(from: (text: string) => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        settle();
      };
      const timer = setTimeout(
        () => finish(() => reject(new Error(`nothing more came in ${PATIENCE_MS} ms`))),
        PATIENCE_MS,
      );
      const look = (): void => {
        try {
          const taken = from(this.#text);
          if (taken !== undefined) {
            this.#text = taken.rest;
            finish(() => resolve(taken));
          } else if (this.#over) {
            const { why } = this.#over;
            finish(() => reject(new Error(why)));
          }
        } catch (error) {
          finish(() => reject(error));
        }
      };
      this.#waiting.add(look);
      look();
    });
  }
}

/** One request on a connection of its own. */
export async function ask(t: ExecutionContext, target: Target, asked: Asked | string): Promise<Outcome> {
  const connection = new Connection(t, target);
  const outcome = await connection.ask(asked);
  connection.close();
  return outcome;
}

interface Head {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyAt: number;
}

function head(text: string): Head | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const [first = '', ...lines] = text.slice(0, end).split('\r\n');
  const status = /^HTTP\/1\.[01] (\d{3}) /.exec(first)?.[1];
  if (status === undefined) throw new Error(`no HTTP: ${JSON.stringify(first)}`);
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      if (colon < 1) throw new Error(`no header: ${JSON.stringify(line)}`);
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  return { status: Number(status), headers, bodyAt: end + 4 };
}

/** The answer that `text` begins with, and what follows it; nothing while it is not whole. `ended`: in order. */
function read(
  text: string,
  method: string,
  ended: boolean,
  interim: readonly number[] = [],
): { answer: Answer; rest: string } | undefined {
  const found = head(text);
  if (found === undefined) return undefined;
  const { status, headers, bodyAt } = found;
  const switched = status === 101 || (method === 'CONNECT' && status < 300);
  if (status < 200 && !switched) return read(text.slice(bodyAt), method, ended, [...interim, status]);
  const whole = (body: string, end: number): { answer: Answer; rest: string } => ({
    answer: { became: 'answered', status, headers, body, interim },
    rest: text.slice(end),
  });

  if (switched || method === 'HEAD' || status === 204 || status === 304) return whole('', bodyAt);
  if (headers['transfer-encoding']?.toLowerCase() === 'chunked') {
    const chunks = unchunk(text, bodyAt);
    return chunks && whole(chunks.body, chunks.end);
  }
  const length = headers['content-length'];
  if (length === undefined) return ended ? whole(text.slice(bodyAt), text.length) : undefined;
  const end = bodyAt + Number(length);
  return text.length < end ? undefined : whole(text.slice(bodyAt, end), end);
}

function unchunk(text: string, begin: number): { body: string; end: number } | undefined {
  let body = '';
  for (let at = begin; ; ) {
    const line = text.indexOf('\r\n', at);
    if (line === -1) return undefined;
    const size = Number.parseInt(text.slice(at, line), 16);
    if (Number.isNaN(size)) throw new Error('malformed chunk');
    const end = line + 2 + size + 2;
    if (text.length < end) return undefined;
    if (text.slice(end - 2, end) !== '\r\n') throw new Error('malformed chunk');
    if (size === 0) return { body, end };
    body += text.slice(line + 2, end - 2);
    at = end;
  }
}
