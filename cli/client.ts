// One request to a supervisor. Replies are typed by the protocol that both sides share; what cannot be answered becomes a sentence.
import type { ClientRequest, IncomingMessage } from 'node:http';
import { ExitCode, OperatorError } from '../config/exit-code.js';
import { request as httpRequest } from '../config/http.js';
import { JSON_LINES, type OrderLine, type OrderOutcome, type RefusalReply } from '../supervisor/control/protocol.js';

/** How long a supervisor may take to begin its answer. A stopped or stuck one must not hold up a terminal. */
const PATIENCE_MS = 10_000;
const AGAIN_MS = 50;

export interface Supervisor {
  readonly name: string;
  readonly path: string;
}

interface Ask {
  readonly method?: 'GET' | 'POST';
  readonly body?: unknown;
  readonly accept?: string;
  readonly signal?: AbortSignal;
  /** How long it may take to begin its answer, in milliseconds. */
  readonly patienceMs?: number;
}

/** While more connections wait than the kernel keeps for the supervisor, the door is knocked at again. */
async function open(supervisor: Supervisor, path: string, ask: Ask): Promise<IncomingMessage> {
  for (const until = performance.now() + PATIENCE_MS; ; await new Promise((again) => setTimeout(again, AGAIN_MS)))
    try {
      return await knock(supervisor, path, ask);
    } catch (error) {
      if (!(error instanceof OperatorError) || error.cause !== 'EAGAIN' || performance.now() > until) throw error;
    }
}

function knock({ name, path: socketPath }: Supervisor, path: string, ask: Ask): Promise<IncomingMessage> {
  const { method = 'GET', body, accept = 'application/json', signal, patienceMs = PATIENCE_MS } = ask;
  return new Promise((resolve, reject) => {
    const request: ClientRequest = httpRequest({
      socketPath,
      path,
      method,
      headers: { accept },
      agent: false,
      ...(signal && { signal }),
    });
    const timer = setTimeout(() => {
      request.destroy();
      reject(
        new OperatorError(
          `${name} does not answer (waited ${patienceMs / 1000} s at ${socketPath}).`,
          ExitCode.unavailable,
        ),
      );
    }, patienceMs);
    request.once('response', (response) => {
      clearTimeout(timer);
      resolve(response);
    });
    request.once('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(unreachable(name, socketPath, error));
    });
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function unreachable(name: string, path: string, { code = 'unknown error' }: NodeJS.ErrnoException): OperatorError {
  if (code === 'EACCES' || code === 'EPERM')
    return new OperatorError(
      `${path}: permission denied. A supervisor takes commands from its own user; control.readers lets a group read.`,
      ExitCode.permission,
    );
  const busy = code === 'EAGAIN' && `${name} is too busy to answer at ${path}: too many connections wait.`;
  const why = busy || `no supervisor answers at ${path} (${code}): ${name} does not run.`;
  return Object.assign(new OperatorError(why, ExitCode.unavailable), { cause: code });
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

export async function get<Reply>(supervisor: Supervisor, path: string): Promise<Reply> {
  return (await call(supervisor, path, {})) as Reply;
}

export async function post<Reply>(supervisor: Supervisor, path: string, body: unknown = {}): Promise<Reply> {
  return (await call(supervisor, path, { method: 'POST', body })) as Reply;
}

async function call(supervisor: Supervisor, path: string, ask: Ask): Promise<unknown> {
  const response = await open(supervisor, path, ask);
  const text = await textOf(response);
  if (response.statusCode !== 200) throw refusal(text);
  return JSON.parse(text);
}

function refusal(text: string): OperatorError {
  let said: Partial<RefusalReply & OrderOutcome> = {};
  try {
    said = JSON.parse(text) as typeof said;
  } catch {
    // Not one of ours: its text is shown as it is.
  }
  const sentence = (said.error ?? said.why ?? text.slice(0, 200)).replace(/\.?$/, '.');
  const known = Object.values(ExitCode).find((code) => code === said.exitCode);
  return new OperatorError(sentence, known ?? ExitCode.failed);
}

/** Lines of a stream as they come, until it ends or the supervisor is gone. Split at the byte, as a character may look like a line's end to others. */
export async function* lines(supervisor: Supervisor, path: string, ask: Ask = {}): AsyncGenerator<string> {
  const response = await open(supervisor, path, { accept: JSON_LINES, ...ask });
  if (response.statusCode !== 200) throw refusal(await textOf(response));
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let from = 0;
      for (let at = rest.indexOf(0x0a); at !== -1; at = rest.indexOf(0x0a, from)) {
        if (at > from) yield rest.toString('utf8', from, at);
        from = at + 1;
      }
      rest = rest.subarray(from);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
  }
}

/** The body of an answer that takes its time and may be large, piece by piece. */
export async function download(supervisor: Supervisor, path: string, ask: Ask): Promise<AsyncIterable<Buffer>> {
  const response = await open(supervisor, path, { method: 'POST', ...ask });
  if (response.statusCode !== 200) throw refusal(await textOf(response));
  return response as AsyncIterable<Buffer>;
}

/** Gives an order and waits only until it is under way. */
export async function begin(supervisor: Supervisor, path: string, body: unknown): Promise<void> {
  const response = await open(supervisor, path, { method: 'POST', body, accept: JSON_LINES });
  if (response.statusCode !== 200) throw refusal(await textOf(response));
  response.destroy();
}

/** Gives an order and waits for what becomes of it; undefined where the supervisor was gone before it could say so. */
export async function order(
  supervisor: Supervisor,
  path: string,
  body: unknown,
  progress: (text: string) => void,
): Promise<OrderOutcome | undefined> {
  for await (const text of lines(supervisor, path, { method: 'POST', body })) {
    const line = JSON.parse(text) as OrderLine;
    if (line.type === 'outcome') return line;
    progress(line.text);
  }
  return undefined;
}
