// One request's domain: who is owed an answer, and what they get when it fails. The client is answered first, then the record
// is written. A request that was answered long ago owes nothing: what fails in its name then is the worker's own. How each
// protocol answers or breaks off is in `http1.ts`, `http2.ts` and `taken-over.ts`.
import type { EventEmitter } from 'node:events';
import { current } from './domain/current.js';
import { adopt, type Claim, Domain } from './domain/domain.js';
import { type Emit, kEmit } from './domain/emitters.js';
import { isHeard } from './domain/heard.js';
import type { HttpRequest } from './http1.js';
import type { RequestName } from './protocol.js';
import type { RawRequest } from './redact.js';

/** Most programs load `crypto`, but many only when they are first asked for something: a boot does not wait for it. */
const newId = (): string => process.getBuiltinModule('node:crypto').randomUUID();

/** Where a worker's requests are told of. */
export interface Ledger {
  opened(request: Request): void;
  /** Whether no further request has come in on this one's connection (pipelining). */
  isLast(request: HttpRequest): boolean;
  closed(request: Request): void;
  failed(request: Request, error: unknown, origin: string): void;
}

/** What an access log tells beside a request's own words. */
export interface Wire {
  /** The connection, or the stream, that it came on. */
  readonly carrier: object | undefined;
  readonly protocol: string;
  /** Of the answer's head, in bytes; what its body has is known where `bodyBytes` is, else from the connection. */
  readonly headBytes: number;
  readonly bodyBytes: number | undefined;
}

export abstract class Request extends Domain {
  protected readonly ledger: Ledger;
  /** The emitter whose `close` ends this request. */
  #owed: EventEmitter | undefined;
  #failed = false;
  /** Set while an error of its handler waits to be thrown again. */
  #thrown: RequestName | undefined;
  #id: string | undefined;
  readonly openedAt = performance.now();
  /** @internal */
  before: this | undefined;
  /** @internal */
  behind: this | undefined;
  /** What the program calls all requests of this kind: `/users/:id`. */
  route: string | undefined;

  constructor(owed: EventEmitter, ledger: Ledger) {
    super();
    this.#owed = owed;
    this.ledger = ledger;
    adopt(this, owed);
    ledger.opened(this);
  }

  abstract readonly method: string;
  protected abstract readonly path: string;
  protected abstract readonly givenId: unknown;
  /** Whether this request or response, of the program's or of a framework's, is this very request. */
  abstract covers(message: object): boolean;
  /** Answers with an error, or breaks the stream so that the client can tell. Returns whether it could still be answered. */
  protected abstract refuse(status: number, id: string): boolean;
  /** Ends the stream, or the connection where it has none of its own, so that the client can tell that there is no answer. */
  protected abstract breakOff(): void;
  /** Says `Connection: close` with the answer. Returns whether the connection will end with this request. */
  abstract closeConnection(): boolean;

  get description(): RequestName {
    this.#id ??= typeof this.givenId === 'string' && /^[\x21-\x7e]{1,128}$/.test(this.givenId) ? this.givenId : newId();
    return { method: this.method, path: this.path, id: this.#id };
  }

  /** Answered with an error, by the program or for it. */
  get isFailed(): boolean {
    return this.#failed || (this.status ?? 0) >= 500;
  }

  /** Of the answer whose head is out. Known until the request is over, as its headers are. */
  abstract readonly status: number | undefined;
  protected abstract readonly headers: RawRequest['headers'];

  /** Known until the request is over, as its headers are. */
  abstract readonly wire: Wire;

  /** With its secrets. */
  get detail(): RawRequest {
    const { description, status, headers } = this;
    return { ...description, status, headers, durationMs: performance.now() - this.openedAt };
  }

  /** Runs Node's own announcement of the request. What it throws takes the way of any error that nobody caught. */
  announce(emit: Emit, server: EventEmitter, args: Parameters<Emit>): boolean {
    try {
      return current.run(this, Reflect.apply, emit, server, args) as boolean;
    } catch (error) {
      this.#throwApart(error);
      return true;
    }
  }

  /**
   * Likewise, in the callback of Node's parser for it, and where V8's frames carry the context: whatever was active before is put back
   * by Node when that callback returns. To do so here too costs each request another frame.
   */
  arrive(emit: Emit, server: EventEmitter, args: Parameters<Emit>): boolean {
    current.enterWith(this);
    try {
      return emit.apply(server, args);
    } catch (error) {
      this.#throwApart(error);
      return true;
    }
  }

  /**
   * Thrown on, it would leave Node's parser broken, and the rest of the body unread; thrown in the next tick too, since ticks run
   * inside the parser's callbacks. In a turn of its own Node treats it as it treats any error that nobody caught.
   */
  #throwApart(error: unknown): void {
    // Its answer may be out, and the request over, before that turn comes; it is to be named all the same.
    this.#thrown = this.description;
    current.run(this, () =>
      setImmediate(() => {
        throw error;
      }),
    );
  }

  override claim(error: unknown, origin: string): Claim {
    if (this.#owed === undefined && this.#thrown === undefined) return 'unclaimed';
    const { id } = this.description;
    if (!this.#failed) this.#attempt(500, id);
    this.#failed = true;
    this.#thrown = undefined;
    this.ledger.failed(this, error, origin);
    return 'contained';
  }

  /** The worker leaves. What has no end of its own is told so, in its protocol. */
  part(_code: number): void {}

  /** The kill timer has fired. Returns whether the client could still be told so. */
  cut(): boolean {
    return !this.#failed && this.#attempt(503, this.description.id);
  }

  override [kEmit](emitter: EventEmitter, emit: Emit, args: Parameters<Emit>): boolean {
    if (args[0] === 'close' && emitter === this.#owed) this.over();
    if (!this.covers(emitter)) return super[kEmit](emitter, emit, args);
    if (args[0] !== 'error' && !isHeard(emitter, args[0])) return emit.apply(emitter, args);
    const within = current.getStore() === this && !isArrival(args[0]);
    return within ? emit.apply(emitter, args) : this.announce(emit, emitter, args);
  }

  /** Nobody is owed an answer any more. */
  protected over(): void {
    if (this.#owed === undefined) return;
    this.#owed = undefined;
    this.ledger.closed(this);
    this.forget();
  }

  /** Lets go of the request itself, so that what outlives it, a pooled connection that it opened, does not keep it alive. */
  protected abstract forget(): void;

  #attempt(status: number, id: string): boolean {
    try {
      return this.refuse(status, id);
    } catch {
      // A response that the program has taken apart: its client is told by the connection's end.
      this.breakOff();
      return false;
    }
  }
}

/** What the parser brings; a listener's throw would go through it, and break it, even where the request's own context is active. */
const isArrival = (event: unknown): boolean => event === 'data' || event === 'end' || event === 'readable';
