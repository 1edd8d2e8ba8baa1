// Any thrown thing as data, and like errors told together: an error storm must not become a message storm.
import type { CountedReport, ErrorReport, RequestName } from './protocol.js';

const MAX_TEXT = 16 * 1024;
const MAX_CAUSES = 8;

/** Never throws, whatever was thrown: getters that throw, proxies, and errors of other realms included. */
export function toReport(error: unknown, origin: string, request?: RequestName): ErrorReport {
  const facts = read(error);
  return { ...facts, causes: causesOf(error), origin, ...(request && { request }) };
}

function read(error: unknown): Pick<ErrorReport, 'name' | 'message' | 'code' | 'stack' | 'fingerprint'> {
  if (typeof error !== 'object' || error === null) return { name: typeof error, message: cut(String(error)) };
  const name = text(error, 'name') ?? 'object';
  const code = text(error, 'code');
  const stack = text(error, 'stack');
  const fingerprint = text(error, 'fingerprint');
  return {
    name,
    message: text(error, 'message') ?? '(no message)',
    ...(code !== undefined && { code }),
    ...(stack !== undefined && { stack }),
    ...(fingerprint !== undefined && { fingerprint }),
  };
}

function causesOf(error: unknown): ErrorReport['causes'] {
  const causes: { name: string; message: string; stack?: string }[] = [];
  const queue: unknown[] = nested(error);
  for (let next = queue.shift(); next !== undefined && causes.length < MAX_CAUSES; next = queue.shift()) {
    const { name, message, stack } = read(next);
    causes.push({ name, message, ...(stack !== undefined && { stack }) });
    queue.push(...nested(next));
  }
  return causes;
}

/** `error.cause` and the errors of an AggregateError. */
function nested(error: unknown): unknown[] {
  if (typeof error !== 'object' || error === null) return [];
  const { cause, errors } = safely(() => error as { cause?: unknown; errors?: unknown }, {});
  const list = safely(() => (Array.isArray(errors) ? (errors as unknown[]).slice(0, MAX_CAUSES) : []), []);
  return cause === undefined || cause === null ? list : [cause, ...list];
}

function text(error: object, key: string): string | undefined {
  const value = safely(() => (error as Record<string, unknown>)[key], undefined);
  return typeof value === 'string' || typeof value === 'number' ? cut(String(value)) : undefined;
}

function safely<T>(get: () => T, otherwise: T): T {
  try {
    return get();
  } catch {
    return otherwise;
  }
}

const cut = (value: string): string => (value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}… (cut)` : value);

const MAX_KINDS = 100;
const FLUSH_MS = 100;

/** Gathers reports: the first of a kind goes out at once, its likes are counted and follow together. */
export class Reports {
  #waiting = new Map<string, { report: ErrorReport; count: number }>();
  #dropped = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #send: (errors: CountedReport[], dropped: number) => void;

  constructor(send: (errors: CountedReport[], dropped: number) => void) {
    this.#send = send;
  }

  add(report: ErrorReport): void {
    const kind = report.fingerprint ?? report.stack ?? `${report.name}: ${report.message}`;
    if (this.#timer === undefined) {
      this.#send([{ report, count: 1 }], 0);
      this.#timer = setTimeout(() => this.flush(), FLUSH_MS).unref();
      return;
    }
    const waiting = this.#waiting.get(kind);
    if (waiting) waiting.count++;
    else if (this.#waiting.size < MAX_KINDS) this.#waiting.set(kind, { report, count: 1 });
    else this.#dropped++;
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting.size + this.#dropped === 0) return;
    this.#send([...this.#waiting.values()], this.#dropped);
    this.#waiting = new Map();
    this.#dropped = 0;
  }
}
