// The access log: a line for each request that is over, as Apache writes it or as JSON. Lines are told together, so that a request
// costs a few texts and no message; where there is no access log, nothing of this runs.
import net from 'node:net';
import { current } from './domain/current.js';
import type { AccessFormat } from './protocol.js';
import type { RawRequest, Redaction } from './redact.js';
import type { Request } from './request.js';

/** Lines wait no longer than this. */
const WAIT_MS = 100;
const MAX_WAITING = 32 * 1024;
/** What clients say of themselves may be long. */
const MAX_VALUE = 1024;

type Emit = (this: net.Server, ...args: unknown[]) => boolean;

export class AccessLog {
  readonly #line: (entry: Entry) => string;
  readonly #redaction: Redaction;
  readonly #tell: (lines: string) => void;
  /** Who is at the other end: a connection that is gone has forgotten it. */
  readonly #remotes = new WeakMap<object, string>();
  /** How much had been written to a connection when its last request was over. */
  readonly #written = new WeakMap<object, number>();
  #lines = '';
  #timer: NodeJS.Timeout | undefined;

  /** `tell` hears lines, each with its newline. */
  constructor(format: AccessFormat, redaction: Redaction, tell: (lines: string) => void) {
    this.#line = formats[format];
    this.#redaction = redaction;
    this.#tell = tell;
  }

  /** Around what is there already: every connection and every stream of HTTP/2 is announced through it. */
  install(): void {
    const announce = Reflect.get(net.Server.prototype, 'emit') as Emit;
    const remotes = this.#remotes;
    net.Server.prototype.emit = function (this: net.Server, ...args: unknown[]): boolean {
      const [type, carrier] = args;
      if (type === 'connection' || type === 'secureConnection' || type === 'stream') {
        const remote = remoteOf(carrier);
        if (remote !== undefined) remotes.set(carrier as object, remote);
      }
      return Reflect.apply(announce, this, args);
    };
  }

  /** One that is over. */
  add(request: Request, durationMs: number): void {
    const { method, path, headers, id } = request.detail;
    const { carrier, protocol, headBytes, bodyBytes } = request.wire;
    const line = this.#line({
      remote: carrier && this.#remotes.get(carrier),
      at: Date.now() - durationMs,
      method,
      path: this.#redaction.path(path),
      protocol,
      status: request.status,
      bytes: bodyBytes ?? this.#since(carrier, headBytes),
      referer: valueOf(headers, 'referer', (address) => this.#redaction.path(address)),
      userAgent: valueOf(headers, 'user-agent'),
      id,
      durationMs,
    });
    this.#lines += `${line}\n`;
    if (this.#lines.length > MAX_WAITING) this.flush();
    // Outside of the request: it would be kept by what waits for it.
    else this.#timer ??= current.run(undefined, () => setTimeout(() => this.flush(), WAIT_MS).unref());
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const lines = this.#lines;
    this.#lines = '';
    if (lines !== '') current.run(undefined, () => this.#tell(lines));
  }

  /** What was written to the connection since the request before, without the head. */
  #since(carrier: object | undefined, headBytes: number): number {
    if (carrier === undefined) return Number.NaN;
    const written = (carrier as { readonly bytesWritten?: number }).bytesWritten ?? 0;
    const before = this.#written.get(carrier) ?? 0;
    this.#written.set(carrier, written);
    return Math.max(0, written - before - headBytes);
  }
}

function remoteOf(carrier: unknown): string | undefined {
  const { remoteAddress, session } = carrier as { remoteAddress?: string; session?: { socket: net.Socket } };
  // A socket that takes both kinds says IPv4 in the words of IPv6.
  return (remoteAddress ?? session?.socket.remoteAddress)?.replace(/^::ffff:(?=[\d.]+$)/, '');
}

function valueOf(headers: RawRequest['headers'], name: string, told = (value: string) => value): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? told(value.slice(0, MAX_VALUE)) : undefined;
}

interface Entry {
  readonly remote: string | undefined;
  /** Milliseconds since 1970, when the request came. */
  readonly at: number;
  readonly method: string;
  readonly path: string;
  readonly protocol: string;
  /** Undefined where no answer went out. */
  readonly status: number | undefined;
  /** Of the answer's body; NaN where nobody knows. */
  readonly bytes: number;
  readonly referer: string | undefined;
  readonly userAgent: string | undefined;
  readonly id: string;
  readonly durationMs: number;
}

const common = ({ remote = '-', at, method, path, protocol, status, bytes }: Entry): string =>
  `${remote} - - [${apacheTime(at)}] "${plain(`${method} ${path} ${protocol}`)}" ${status ?? '-'} ${bytes > 0 ? bytes : '-'}`;

const combined = (entry: Entry): string =>
  `${common(entry)} "${plain(entry.referer ?? '-')}" "${plain(entry.userAgent ?? '-')}"`;

const json = ({ at, bytes, durationMs, ...entry }: Entry): string =>
  JSON.stringify({
    time: new Date(at).toISOString(),
    ...entry,
    bytes: Number.isNaN(bytes) ? undefined : bytes,
    durationMs: Math.round(durationMs * 1000) / 1000,
  });

const formats: Readonly<Record<AccessFormat, (entry: Entry) => string>> = { common, combined, json };

/** As Apache does it: a client can begin no line, and end no quotation. */
const plain = (text: string): string =>
  // oxlint-disable-next-line no-control-regex
  text.replace(/["\\\u0000-\u001f\u007f-\uffff]/g, (character) => {
    if (character === '"' || character === '\\') return `\\${character}`;
    return [...Buffer.from(character, character > '\u00ff' ? 'utf8' : 'latin1')]
      .map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`)
      .join('');
  });

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const two = (number: number): string => String(number).padStart(2, '0');
let second = -1;
let shown = '';

/** 10/Oct/2000:13:55:36 -0700 */
function apacheTime(at: number): string {
  const now = Math.floor(at / 1000);
  if (now === second) return shown;
  const date = new Date(at);
  const offset = -date.getTimezoneOffset();
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`;
  const day = `${two(date.getDate())}/${MONTHS[date.getMonth()]}/${date.getFullYear()}`;
  second = now;
  shown = `${day}:${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())} ${zone}`;
  return shown;
}
