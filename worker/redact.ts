// What of a request may be told: secrets are taken out here, in the process that they were sent to, and never leave it.
import type { RequestDetail, RequestName } from './protocol.js';

/** Whatever the configuration says. */
const ALWAYS = ['authorization', 'proxy-authorization', 'cookie', 'set-cookie'];
const REDACTED = '[redacted]';
const MAX_HEADERS = 64;
const MAX_VALUE = 512;
const MAX_TOGETHER = 4096;
const MAX_PATH = 2048;

type Headers = Readonly<Record<string, unknown>>;

export interface RawRequest extends RequestName {
  readonly status: number | undefined;
  readonly headers: Headers;
  readonly durationMs: number;
}

export class Redaction {
  readonly #secret: ReadonlySet<string>;

  /** `names` in lower case: of headers, and of parameters in a path. */
  constructor(names: readonly string[]) {
    this.#secret = new Set([...ALWAYS, ...names]);
  }

  request({ method, path, id, status, headers, durationMs }: RawRequest): RequestDetail {
    return {
      ...this.name({ method, path, id }),
      ...(status !== undefined && { status }),
      headers: this.#headers(headers),
      durationMs: Math.round(durationMs),
    };
  }

  name<Named extends RequestName>(request: Named): Named {
    return { ...request, path: this.path(request.path) };
  }

  #headers(headers: Headers): Record<string, string> {
    const told: Record<string, string> = {};
    let size = 0;
    // The program may have put anything in their place.
    if (typeof headers !== 'object' || headers === null) return told;
    for (const [name, value] of Object.entries(headers).slice(0, MAX_HEADERS)) {
      // What HTTP/2 calls headers, and a request's name has told already.
      if (name.startsWith(':') || value === undefined) continue;
      const text = this.#secret.has(name) ? REDACTED : this.#value(name, textOf(value));
      size += name.length + text.length;
      if (size > MAX_TOGETHER) return told;
      told[name] = text;
    }
    return told;
  }

  /** Where somebody came from is a path too, with its parameters. */
  #value(name: string, value: string): string {
    return cut(name === 'referer' || name === 'location' ? this.path(value) : value, MAX_VALUE);
  }

  /** A path with its parameters, or an address. */
  path(path: string): string {
    const query = path.indexOf('?');
    if (query === -1) return cut(path, MAX_PATH);
    const told = path
      .slice(query + 1)
      .slice(0, MAX_PATH)
      .replace(/([^&=;#]+)=([^&;#]*)/g, (whole, name: string) =>
        this.#secret.has(plain(name)) ? `${name}=${REDACTED}` : whole,
      );
    return cut(`${path.slice(0, query)}?${told}`, MAX_PATH);
  }
}

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : Array.isArray(value) ? value.join(', ') : '';

/** A name may be written in any case, and with escapes. */
function plain(name: string): string {
  try {
    return decodeURIComponent(name).toLowerCase();
  } catch {
    return name.toLowerCase();
  }
}

const cut = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most)}…` : text);
