// etcd's HTTP gateway (v3, etcd 3.4 and later), as far as a registration needs it: one POST at a time to one of several servers, the
// next one after a failure. Keys and values travel in base64, 64-bit numbers as texts.
import { readFileSync } from 'node:fs';
import type http from 'node:http';
import https from 'node:https';
import type { Config } from '../../config/config.js';
import { Agent, request as httpRequest } from '../../config/http.js';

export type EtcdOptions = Config['registry']['etcd'];

/** What etcd refuses, by the code of gRPC. */
export class EtcdRefusal extends Error {
  override readonly name = 'EtcdRefusal';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** Codes of gRPC. */
export const NOT_FOUND = 5;
const FAILED_PRECONDITION = 9;
const UNAUTHENTICATED = 16;

/** An answer to us is a few hundred bytes. */
const MAX_ANSWER = 64 * 1024;

type Answer = Readonly<Record<string, unknown>>;

export class EtcdClient {
  readonly #options: EtcdOptions;
  readonly #timeoutMs: number;
  readonly #agents: { readonly http: http.Agent; readonly https: https.Agent };
  readonly #open = new Set<http.ClientRequest>();
  /** The server that is asked. */
  #at: number;
  #token: string | undefined;

  /** @param first which of the servers is asked first. */
  constructor(options: EtcdOptions, timeoutMs: number, first: number) {
    this.#options = options;
    this.#timeoutMs = timeoutMs;
    this.#at = first;
    const kept = { keepAlive: true, maxSockets: 1 };
    this.#agents = { http: new Agent(kept), https: new https.Agent(kept) };
  }

  /** @throws {Error} in words that an operator understands; an `EtcdRefusal` where etcd itself says no. */
  async call(path: string, body: object): Promise<Answer> {
    try {
      return await this.#authorised(path, body);
    } catch (error) {
      if (error instanceof EtcdRefusal && error.code === NOT_FOUND) throw error;
      this.#at++;
      throw error;
    }
  }

  close(): void {
    for (const request of this.#open) request.destroy();
    this.#agents.http.destroy();
    this.#agents.https.destroy();
  }

  async #authorised(path: string, body: object): Promise<Answer> {
    const isKept = this.#token !== undefined;
    if (this.#options.user !== undefined && !isKept) this.#token = await this.#authenticate();
    try {
      return await this.#post(path, body);
    } catch (error) {
      if (!(error instanceof EtcdRefusal) || error.code !== UNAUTHENTICATED) throw error;
      // Tokens run out.
      this.#token = undefined;
      if (!isKept) throw error;
      this.#token = await this.#authenticate();
      return this.#post(path, body);
    }
  }

  /** The password is read each time, so that it can be changed. Empty where etcd wants none. */
  async #authenticate(): Promise<string> {
    const { user: name, passwordFile } = this.#options;
    const password = passwordFile === undefined ? '' : readFileSync(passwordFile, 'utf8').replace(/\r?\n$/, '');
    try {
      const { token } = await this.#post('/v3/auth/authenticate', { name, password });
      return typeof token === 'string' ? token : '';
    } catch (error) {
      if (error instanceof EtcdRefusal && error.code === FAILED_PRECONDITION) return '';
      throw error;
    }
  }

  #post(path: string, body: object): Promise<Answer> {
    const { endpoints } = this.#options;
    const server = endpoints[this.#at % endpoints.length] ?? '';
    const url = new URL(path, server);
    return new Promise((resolve, reject) => {
      const secure = url.protocol === 'https:';
      const options = {
        method: 'POST',
        agent: secure ? this.#agents.https : this.#agents.http,
        headers: {
          'content-type': 'application/json',
          // Or a server without a leader keeps us waiting instead of saying so.
          'grpc-metadata-hasleader': 'true',
          ...(this.#token && { authorization: this.#token }),
        },
        ...(secure && this.#secrets()),
      };
      const request = (secure ? https.request : httpRequest)(url, options);
      const end = (error: Error): void => {
        request.destroy();
        reject(new Error(`${url.host}: ${error.message}`));
      };
      const timer = setTimeout(() => end(new Error(`no answer within ${this.#timeoutMs} ms`)), this.#timeoutMs);
      // Nothing here keeps a supervisor alive that has ended.
      timer.unref();
      this.#open.add(request);
      request.once('socket', (socket) => socket.unref());
      request.once('close', () => {
        clearTimeout(timer);
        this.#open.delete(request);
        reject(new Error(`${url.host}: the connection was closed`));
      });
      request.on('error', end);
      request.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => {
          text += part;
          if (text.length > MAX_ANSWER) end(new Error('an answer that is too long for etcd'));
        });
        response.once('end', () => {
          try {
            resolve(answerIn(text));
          } catch (error) {
            if (error instanceof EtcdRefusal) reject(error);
            else end(new Error(`an answer that is not etcd's (status ${response.statusCode ?? 0})`));
          }
        });
      });
      request.end(JSON.stringify(body));
    });
  }

  #secrets(): { ca?: Buffer; cert?: Buffer; key?: Buffer } {
    const { ca, cert, key } = this.#options;
    return {
      ...(ca !== undefined && { ca: readFileSync(ca) }),
      ...(cert !== undefined && { cert: readFileSync(cert) }),
      ...(key !== undefined && { key: readFileSync(key) }),
    };
  }
}

/** Of a stream, the first answer. @throws where it is a refusal, or no answer of etcd's at all. */
function answerIn(text: string): Answer {
  const document = JSON.parse(text.split('\n', 1)[0] ?? '') as Answer;
  const { error, result } = document as { error?: unknown; result?: Answer };
  if (typeof error === 'string') throw new EtcdRefusal(Number(document['code'] ?? 0), error);
  if (typeof error === 'object' && error !== null) {
    const { grpc_code: code, message } = error as { grpc_code?: unknown; message?: unknown };
    throw new EtcdRefusal(Number(code ?? 0), typeof message === 'string' ? message : 'refused');
  }
  if (typeof document !== 'object') throw new Error('no object');
  return result ?? document;
}
