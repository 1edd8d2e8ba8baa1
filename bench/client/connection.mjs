// One connection of one user: asks one thing at a time and says what became of it. Nothing is sent twice.
import { connect } from 'node:net';
import { Reader } from './reader.mjs';

/**
 * What became of a request: `answered`, a whole response; `cut`, the connection ended or broke before it was whole; `lost`, all
 * else (refused, timed out, no HTTP). `clean` tells whether a cut connection had ended in order.
 */
export class Connection {
  #socket;
  #reader;
  #settle;
  #timer;
  #ended = false;
  #each = false;
  #timeoutMs = 0;

  /** How many requests this connection has carried. */
  uses = 0;
  /** Who answered last here, by its own word. */
  pid;
  /** Whether bytes came that nobody had asked for. */
  stray = false;
  /** How it ended: `left` by this side, `ended` in order by the other, `reset`, `refused`. */
  fate;
  /** Known once there is a connection, and remembered when it is gone. */
  localPort;
  begunAt = performance.now();

  constructor(host, port) {
    this.#socket = connect({ host, port, noDelay: true, allowHalfOpen: true });
    this.#socket.once('connect', () => {
      this.localPort = this.#socket.localPort;
      // What was asked meanwhile goes out now: until now nobody could have answered it.
      if (this.#settle !== undefined) this.#watch();
    });
    this.#socket.on('data', (chunk) => this.#data(chunk));
    this.#socket.on('end', () => this.#probe());
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#end(false));
  }

  /** Whether another request may be sent here. */
  get open() {
    return !this.#ended;
  }

  /** `each`: the time is what may pass before more of the answer comes, not what the whole of it may take. */
  ask(bytes, timeoutMs, settle, { each = false } = {}) {
    this.#reader = new Reader();
    this.#settle = settle;
    this.#each = each;
    this.#timeoutMs = timeoutMs;
    this.#watch();
    this.uses += 1;
    this.#socket.write(bytes, 'latin1');
  }

  /** More of a request whose head has been sent. */
  send(bytes) {
    if (!this.#ended) this.#socket.write(bytes, 'latin1');
  }

  pause() {
    this.#socket.pause();
  }

  resume() {
    this.#socket.resume();
  }

  /** Lets the server close first, as it said it would, so that the side with few ports keeps no memory of the connection. */
  leave() {
    this.#ended = true;
    this.fate ??= 'left';
    setTimeout(() => this.#socket.destroy(), 500).unref();
  }

  destroy() {
    this.#ended = true;
    this.fate ??= 'left';
    this.#socket.destroy();
  }

  #watch() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#expire(), this.#timeoutMs);
  }

  /** Timers come before what has arrived: to a client that was held up, an answer that lies here unread looks like none. */
  #expire() {
    const timer = this.#timer;
    setImmediate(() => {
      if (this.#timer !== timer) return;
      this.#lose(`timeout ${this.#socket.connecting ? 'while it connects' : this.#when()}`);
    });
  }

  #data(chunk) {
    if (this.#settle === undefined) {
      this.stray = true;
      return this.destroy();
    }
    try {
      const response = this.#reader.take(chunk);
      if (response === undefined) return this.#each ? this.#watch() : undefined;
      this.pid = response.headers.get('x-pid') ?? this.pid;
      this.#done({ became: 'answered', response });
    } catch (error) {
      this.#lose(error.message);
    }
  }

  /** To a reader that is late, a connection that was reset looks as if it had ended in order; to a writer it does not. */
  #probe() {
    this.#ended = true;
    this.#socket.write('\r\n', (error) => {
      this.#end(!error);
      this.#socket.destroy();
    });
  }

  #end(clean) {
    this.#ended = true;
    this.fate ??= clean ? 'ended' : 'reset';
    if (this.#settle === undefined) return;
    const response = clean ? this.#reader.end() : undefined;
    this.#done(response === undefined ? this.#cut(clean, 'closed') : { became: 'answered', response });
  }

  #fail(error) {
    this.#ended = true;
    const connecting = error.syscall === 'connect';
    this.fate ??= connecting ? 'refused' : 'reset';
    if (this.#settle === undefined) return;
    this.#done(connecting ? { became: 'lost', why: `connect ${error.code}` } : this.#cut(false, error.code));
  }

  #cut(clean, how) {
    const head = this.#reader.head;
    return { became: 'cut', clean, status: head?.status, framing: head?.framing, why: `${how} ${this.#when()}` };
  }

  #when() {
    const { head, begun } = this.#reader;
    return head ? `amid the answer ${head.status}` : begun ? 'amid the head' : 'before the answer';
  }

  #lose(why) {
    this.#done({ became: 'lost', why });
    this.destroy();
  }

  #done(outcome) {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const settle = this.#settle;
    this.#settle = undefined;
    settle(outcome);
  }
}
