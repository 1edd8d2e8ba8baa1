// How a reply is written, and a request's body read: bounded, and never with a stack of ours.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { endpoints, MAX_BODY, type RefusalReply, VERSION } from './protocol.js';

/** The request cannot be answered, and why. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly status: number;
  readonly more: Omit<RefusalReply, 'version' | 'error'>;

  constructor(status: number, why: string, more: Omit<RefusalReply, 'version' | 'error'> = {}) {
    super(why);
    this.status = status;
    this.more = more;
  }
}

export const noEndpoint = (what: string, known: Readonly<Record<string, string>> = endpoints): Refused =>
  new Refused(404, `there is no ${what} here`, { endpoints: known });

export function answer(response: ServerResponse, status: number, body: unknown): void {
  send(response, status, 'application/json', `${JSON.stringify(body)}\n`);
}

export function send(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(text);
}

export function refuse(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy();
  const known = error instanceof Refused ? error : new Refused(500, 'this is a bug in cordon, not in your server');
  // What is left of a body that nobody reads would be taken for the next request.
  if (!response.req.complete) response.setHeader('connection', 'close');
  const reply: RefusalReply = { version: VERSION, error: known.message, ...known.more };
  answer(response, known.status, reply);
}

/** Nothing is asked in an address that nobody here would answer. */
export function checkQuery(query: URLSearchParams, known: readonly string[]): void {
  for (const key of query.keys())
    if (!known.includes(key))
      throw new Refused(400, `unknown ${JSON.stringify(key.slice(0, 60))}; known here: ${known.join(', ')}`);
}

/** `texts`: a table of them. */
type Form = Readonly<Record<string, keyof Types>>;
interface Types {
  readonly boolean: boolean;
  readonly number: number;
  readonly text: string;
  readonly texts: Readonly<Record<string, string>>;
}
type Read<F extends Form> = { readonly [K in keyof F]?: Types[F[K]] };

/** A JSON object with these fields and no others; an empty body is an empty object. */
export async function readBody<const F extends Form>(request: IncomingMessage, form: F): Promise<Read<F>> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY) throw new Refused(413, `expected a body of at most ${MAX_BODY} bytes`);
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  return checked(text.trim() === '' ? {} : parsed(text), form);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Refused(400, 'expected a JSON object as the body');
  }
}

function checked<F extends Form>(body: unknown, form: F): Read<F> {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new Refused(400, 'expected a JSON object as the body');
  for (const [key, value] of Object.entries(body)) {
    const type = Object.hasOwn(form, key) ? form[key] : undefined;
    if (type === undefined) throw new Refused(400, `unknown field ${JSON.stringify(key.slice(0, 60))}${fields(form)}`);
    if (!is[type](value))
      throw new Refused(400, `${key}: expected ${type === 'texts' ? 'an object of texts' : `a ${type}`}`);
  }
  return body;
}

/** What an environment can hold. */
const isText = ([name, value]: [string, unknown]): boolean =>
  name !== '' && !/[=\0]/.test(name) && typeof value === 'string' && !value.includes('\0');

const is: Readonly<Record<Form[string], (value: unknown) => boolean>> = {
  boolean: (value) => typeof value === 'boolean',
  number: (value) => Number.isFinite(value),
  text: (value) => typeof value === 'string',
  texts: (value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) && Object.entries(value).every(isText),
};

const fields = (form: Form): string =>
  Object.keys(form).length === 0 ? '; none is expected' : `; known here: ${Object.keys(form).join(', ')}`;
