// Any thrown thing as data, and like errors told together: an error storm must not become a message storm.
import { fileURLToPath } from 'node:url';
import type { CauseReport, CountedReport, ErrorReport, RequestDetail } from './protocol.js';

const MAX_TEXT = 16 * 1024;
const MAX_CAUSES = 8;

/** Never throws, whatever was thrown: getters that throw, proxies, and errors of other realms included. */
export function toReport(error: unknown, origin: string, request?: RequestDetail, context?: unknown): ErrorReport {
  const facts = read(error);
  const told = context === undefined ? undefined : safely(() => JSON.stringify(context), '"(cannot be told as JSON)"');
  return {
    ...facts,
    causes: causesOf(error),
    origin,
    ...(request && { request }),
    ...(told !== undefined && { context: cut(told) }),
  };
}

function read(error: unknown): Pick<ErrorReport, 'name' | 'message' | 'code' | 'stack' | 'fingerprint'> {
  if (typeof error !== 'object' || error === null)
    return { name: error === null ? 'null' : typeof error, message: cut(safely(() => String(error), NO_MESSAGE)) };
  const code = text(error, 'code');
  const stack = text(error, 'stack');
  const fingerprint = text(error, 'fingerprint');
  return {
    name: text(error, 'name') || 'object',
    message: text(error, 'message') ?? NO_MESSAGE,
    ...(code !== undefined && { code }),
    ...(stack !== undefined && { stack: withoutOwnFrames(stack) }),
    ...(fingerprint !== undefined && { fingerprint }),
  };
}

const NO_MESSAGE = '(no message)';

type Related = Pick<CauseReport, 'as'> & { readonly error: unknown };

/** Breadth first, each once: causes may form a circle. */
function causesOf(error: unknown): readonly CauseReport[] {
  const family = new Set<unknown>([error]);
  const waiting: { readonly index: number; readonly error: unknown }[] = [{ index: -1, error }];
  const causes: CauseReport[] = [];
  for (const { index, error: member } of waiting) {
    for (const { as, error: relative } of nested(member)) {
      if (causes.length === MAX_CAUSES) return causes;
      if (family.has(relative)) continue;
      family.add(relative);
      waiting.push({ index: causes.length, error: relative });
      const { name, message, code, stack } = read(relative);
      causes.push({
        name,
        message,
        ...(code !== undefined && { code }),
        ...(stack !== undefined && { stack }),
        of: index,
        as,
      });
    }
  }
  return causes;
}

/** `error.cause` and the errors of an AggregateError. */
function nested(error: unknown): Related[] {
  if (typeof error !== 'object' || error === null) return [];
  const property = (of: object, key: string): unknown =>
    safely(() => (of as Readonly<Record<string, unknown>>)[key], undefined);
  const errors = property(error, 'errors');
  const list = safely(() => Array.isArray(errors), false) ? (errors as object) : {};
  const found: Related[] = [{ as: 'cause', error: property(error, 'cause') }];
  for (let index = 0; index < MAX_CAUSES; index++) found.push({ as: 'errors', error: property(list, String(index)) });
  return found.filter((one) => one.error !== undefined && one.error !== null);
}

function text(error: object, key: string): string | undefined {
  const value = safely(() => (error as Record<string, unknown>)[key], undefined);
  return typeof value === 'string' || typeof value === 'number' ? cut(String(value)) : undefined;
}

/** Where this code lies, and where its source map says that it lies. */
const OWN = ['./', '../../worker/'].flatMap((path) => {
  const url = new URL(path, import.meta.url);
  return [url.href, fileURLToPath(url)];
});

/** Nobody can mend their program by reading of cordon's code: its frames go, and with them those through which it called the program. */
function withoutOwnFrames(stack: string): string {
  const kept: string[] = [];
  let below = false;
  for (const line of stack.split('\n').toReversed()) {
    const frame = /^\s+at /.test(line);
    const own = frame && OWN.some((place) => line.includes(`(${place}`) || line.includes(` ${place}`));
    below = own || (below && /^\s+at (?:AsyncLocalStorage\.run|Reflect\.apply) \(/.test(line));
    if (!below) kept.push(line);
  }
  return kept.toReversed().join('\n');
}

function safely<T>(get: () => T, otherwise: T): T {
  try {
    return get();
  } catch {
    return otherwise;
  }
}

const cut = (value: string): string => (value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}… (cut)` : value);

/**
 * What is told together: as the book will see it, or finer. Numbers and what is quoted differ from one occurrence to the next, and
 * a stack begins with the message.
 */
function kindOf({ fingerprint, name, code, message, stack = '', origin }: ErrorReport): string {
  if (fingerprint !== undefined) return fingerprint;
  const frames = stack.indexOf('\n    at ');
  const words = message.slice(0, 500).replace(/\d+|"[^"]*"|'[^']*'/g, '#');
  return [origin, name, code, words, frames === -1 ? '' : stack.slice(frames)].join('\n');
}

const MAX_KINDS = 100;
/** Of what waits, in characters: a message is a line that the supervisor reads as a whole. */
const MAX_WAITING = 1024 * 1024;
const FLUSH_MS = 100;

/** Gathers reports: the first goes out at once; what comes within the next moment is counted, like with like, and follows together. */
export class Reports {
  #waiting = new Map<string, { report: ErrorReport; count: number }>();
  #size = 0;
  #dropped = 0;
  #timer: NodeJS.Timeout | undefined;
  readonly #send: (errors: CountedReport[], dropped: number) => void;

  constructor(send: (errors: CountedReport[], dropped: number) => void) {
    this.#send = send;
  }

  add(report: ErrorReport): void {
    const kind = kindOf(report);
    if (this.#timer === undefined) {
      this.#send([{ report, count: 1 }], 0);
      this.#timer = setTimeout(() => this.flush(), FLUSH_MS).unref();
      return;
    }
    const waiting = this.#waiting.get(kind);
    if (waiting) {
      waiting.count++;
      return;
    }
    const size = sizeOf(report);
    if (this.#waiting.size >= MAX_KINDS || this.#size + size > MAX_WAITING) this.#dropped++;
    else {
      this.#waiting.set(kind, { report, count: 1 });
      this.#size += size;
    }
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting.size + this.#dropped === 0) return;
    this.#send([...this.#waiting.values()], this.#dropped);
    this.#waiting = new Map();
    this.#size = 0;
    this.#dropped = 0;
  }
}

/** What may be long in a report. */
const sizeOf = ({ message, stack = '', context = '', causes, request }: ErrorReport): number =>
  message.length +
  stack.length +
  context.length +
  causes.reduce((sum, cause) => sum + cause.message.length + (cause.stack?.length ?? 0), 0) +
  Object.values(request?.headers ?? {}).reduce((sum, value) => sum + value.length, 0);
