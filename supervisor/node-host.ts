// The real world: the only file that forks, kills or sets a timer for the fleet. It turns what processes say into facts.
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import {
  type Beat,
  type BindQuery,
  type CountedReport,
  type CutRequest,
  type FromWorker,
  open,
  type ProgramMetric,
  seal,
  type ToWorker,
} from '../worker/protocol.js';
import { modulesIn } from './development.js';
import type { Effect } from './effect.js';
import type { Event, Held } from './event.js';
import { forkWorker, givenOptions, killTree } from './fork.js';
import type { Relay } from './handover.js';
import { type Diagnosis, Ward } from './hang/ward.js';
import type { Host } from './host.js';
import type { Brake } from './logs/brake.js';
import { Looks } from './look/looks.js';
import { readLines } from './output.js';
import type { Release, Releases } from './releases.js';
import type { Sockets } from './sockets.js';
import type { Instant, Worker } from './state.js';
import type { Particulars } from './status.js';

export type Seat = Pick<Worker, 'id' | 'slot' | 'generation'> & { readonly pid: number | undefined };

/** What is of no concern to the fleet's machine. */
export interface Hearing {
  spawned(seat: Seat): void;
  said(seat: Seat, stream: 'stdout' | 'stderr', line: string): void;
  /** All that it has said so far. */
  settled(seat: Seat): void;
  errors(seat: Seat, errors: readonly CountedReport[], dropped: number): void;
  /** How it is, every second. */
  beat(seat: Seat, beat: Beat): void;
  /** What its program measures itself: the answer to the question `seq`, or its last words, 0. */
  measured(seat: Seat, seq: number, metrics: readonly ProgramMetric[]): void;
  cut(seat: Seat, requests: readonly CutRequest[]): void;
  /** Lines of the access log, each with its newline. */
  accessed(seat: Seat, lines: string): void;
  /** Where a worker is stuck, or why that cannot be told. */
  stuck(seat: Seat, diagnosis: Diagnosis): void;
  bindFailed(seat: Seat, query: BindQuery, error: number): void;
  /** After its exit, when all that it said has been read. */
  silent(seat: Seat): void;
}

/** A grandchild may hold a dead worker's pipes open for as long as it lives. */
const LAST_WORDS_MS = 500;

interface Process {
  readonly seat: Seat;
  readonly child: ChildProcess;
  readonly release: Release;
  beat: Beat | undefined;
  /** By its last word. */
  held: Held | undefined;
  /** Milliseconds since 1970. */
  readonly since: number;
  /** What it listens on, by the key of the socket. */
  readonly addresses: Map<string, string>;
  /** Orders for a worker that does not listen to us yet: Node drops what comes before the preload. */
  waiting: ToWorker[] | undefined;
  /** It has yet to say what its program measures: one that is stuck is not asked again and again. */
  isAsked: boolean;
}

export class NodeHost implements Host {
  readonly #releases: Releases;
  readonly #sockets: Sockets;
  readonly #relay: Relay;
  readonly #tell: (event: Event) => void;
  readonly #hearing: Hearing;
  readonly #loaded: (files: readonly string[]) => void;
  readonly #finished: () => void;
  readonly #brake: Brake;
  readonly #processes = new Map<number, Process>();
  readonly #ward: Ward;
  /** Looks into live workers, at an operator's wish. */
  readonly looks: Looks;
  #timer: NodeJS.Timeout | undefined;
  #soon: NodeJS.Immediate | undefined;

  constructor(
    releases: Releases,
    sockets: Sockets,
    relay: Relay,
    tell: (event: Event) => void,
    hearing: Hearing,
    /** Hears of modules, where the program is developed. */
    loaded: (files: readonly string[]) => void,
    finished: () => void,
    brake: Brake,
  ) {
    this.#releases = releases;
    this.#sockets = sockets;
    this.#relay = relay;
    this.#tell = tell;
    this.#hearing = hearing;
    this.#loaded = loaded;
    this.#finished = finished;
    this.#brake = brake;
    this.#ward = new Ward(tell);
    this.looks = new Looks({
      send: (id, message) => this.#send(id, message),
      excuse: (id, forMs) => tell({ type: 'excused', id, forMs }),
    });
  }

  now(): Instant {
    return performance.now();
  }

  wakeAt(at: Instant | undefined, wake: () => void): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#soon);
    // What workers have said in time is read first, where this process was too busy to.
    const due = (): void => {
      this.#soon = setImmediate(wake);
    };
    this.#timer = at === undefined ? undefined : setTimeout(due, Math.max(1, Math.ceil(at - this.now())));
  }

  perform(effect: Effect): void {
    switch (effect.type) {
      case 'spawn':
        return this.#spawn(effect);
      case 'serve':
        return this.#send(effect.id, { type: 'serve' });
      case 'reloaded':
      case 'recycle':
      case 'give-up':
        return;
      case 'examine': {
        const process = this.#processes.get(effect.id);
        if (!process) return;
        const { seat, child, release } = process;
        const patient = { id: seat.id, child, nodeArgs: givenOptions(release) };
        return this.#ward.examine(patient, effect, (diagnosis) => this.#hearing.stuck(seat, diagnosis));
      }
      case 'freed':
        if (this.#ward.back(effect.id)) this.#send(effect.id, { type: 'freed', guilty: effect.guilty });
        return;
      case 'drain': {
        const { id, because, killTimeoutMs } = effect;
        const { stop, handOver = false } = this.#processes.get(id)?.release ?? {};
        return this.#send(id, {
          type: 'drain',
          because,
          killTimeoutMs,
          lingerMs: stop?.lingerMs ?? 0,
          handOver: handOver && this.#relay.hasTakers,
        });
      }
      case 'kill': {
        const process = this.#processes.get(effect.id);
        return process && killTree(process.child);
      }
      case 'finish':
        return this.#finished();
    }
  }

  /** Asks every worker that listens to us, and owes no answer, what its program measures itself. Returns whom. */
  measure(seq: number): number[] {
    const asked = [...this.#processes.values()].filter(
      ({ waiting, child, isAsked }) => waiting === undefined && child.connected && !isAsked,
    );
    for (const process of asked) {
      process.isAsked = true;
      this.#post(process.child, { type: 'measure', seq });
    }
    return asked.map(({ seat }) => seat.id);
  }

  particulars(id: number): Particulars | undefined {
    const known = this.#processes.get(id);
    return (
      known && { pid: known.seat.pid, since: known.since, addresses: [...known.addresses.values()], beat: known.beat }
    );
  }

  #spawn(effect: Extract<Effect, { type: 'spawn' }>): void {
    const { id, slot, generation } = effect;
    const release = this.#releases.of(generation);
    let child: ChildProcess;
    try {
      child = forkWorker(release, effect);
    } catch (error) {
      return this.#failed({ id, slot, generation, pid: undefined }, release, error as Error);
    }
    const seat: Seat = { id, slot, generation, pid: child.pid };
    this.#processes.set(id, {
      seat,
      child,
      release,
      beat: undefined,
      held: undefined,
      since: Date.now(),
      addresses: new Map(),
      waiting: [],
      isAsked: false,
    });
    this.#hearing.spawned(seat);
    child.on('internalMessage', (message: unknown, handle: unknown) => this.#hear(seat, child, message, handle));
    // After its last message, where `exit` may come before it; `disconnect` does not come while handles wait to be sent.
    child.once('close', () => this.#relay.gone(id));
    child.on('message', (message) => {
      if (release.watch.program) this.#loaded(modulesIn(message));
      if (release.ready.on === 'message' && isReadyMessage(message)) this.#tell({ type: 'ready', id });
    });
    child.on('error', (error) => child.pid === undefined && this.#failed(seat, release, error));
    for (const stream of ['stdout', 'stderr'] as const) {
      const pipe = child[stream];
      if (!pipe) continue;
      const heard = (line: string): void => {
        const isNodes = stream === 'stderr' && (this.#ward.said(id, line) || this.looks.said(id, line));
        if (!isNodes) this.#hearing.said(seat, stream, line);
      };
      readLines(pipe, heard, () => this.#hearing.settled(seat));
      this.#brake.add(pipe);
    }
    // Held open, never used: the worker sees it break when this process is gone.
    child.stdio[4]?.on('error', () => {});
    child.once('exit', (code, signal) => this.#exited(seat, child, code, signal));
  }

  #failed(seat: Seat, { cwd }: Release, error: Error): void {
    const why = existsSync(cwd) ? error.message : `its working directory ${cwd} is gone`;
    this.#hearing.said(seat, 'stderr', `the process could not be started: ${why}`);
    this.#processes.delete(seat.id);
    setImmediate(() => {
      this.#tell({ type: 'exited', id: seat.id, code: null, signal: null });
      this.#hearing.silent(seat);
    });
  }

  #exited(seat: Seat, child: ChildProcess, code: number | null, signal: string | null): void {
    killTree(child);
    for (const pipe of [child.stdout, child.stderr]) if (pipe) this.#brake.release(pipe);
    this.#sockets.gone(seat.id);
    this.#ward.back(seat.id);
    this.looks.gone(seat.id);
    const had = this.#processes.get(seat.id)?.held;
    this.#tell({ type: 'exited', id: seat.id, code, signal, ...(had && { had }) });
    this.#processes.delete(seat.id);
    const timer = setTimeout(() => child.emit('close', code, signal), LAST_WORDS_MS);
    child.once('close', () => {
      clearTimeout(timer);
      for (const stream of child.stdio) stream?.destroy();
      this.#ward.gone(seat.id);
      this.#hearing.silent(seat);
    });
  }

  #hear(seat: Seat, child: ChildProcess, envelope: unknown, handle: unknown): void {
    const message = open(envelope) as FromWorker | undefined;
    if (message === undefined) return acknowledge(child, envelope);
    const { id } = seat;
    const process = this.#processes.get(id);
    const on = process?.release.ready.on;
    switch (message.type) {
      case 'bind':
        return void this.#bind(seat, child, message.seq, message.query);
      case 'started':
        this.#started(id);
        return on === 'start' ? this.#tell({ type: 'ready', id }) : undefined;
      case 'listening':
        return process && this.#listening(process, on === 'listening');
      case 'healthy':
        return this.#tell({ type: 'ready', id });
      case 'beat':
        if (process) {
          process.beat = message;
          process.held = { requests: message.inFlight, connections: message.connections };
        }
        this.#hearing.beat(seat, message);
        return this.#beat(id, message);
      case 'closed':
        process?.addresses.delete(message.key);
        if (process) this.#listening(process, false);
        return this.#sockets.closed(id, message.key);
      case 'faulted':
        return this.#tell({ type: 'faulted', id });
      case 'draining':
        return this.#tell({ type: 'draining', id, because: message.because });
      case 'measured':
        if (process) process.isAsked = false;
        return this.#hearing.measured(seat, message.seq, message.metrics);
      case 'errors':
        return this.#hearing.errors(seat, message.errors, message.dropped);
      case 'hand-over':
        return this.#relay.take(id, message.seq, message.moved, handle as { close(): void } | undefined);
      case 'taken':
        return this.#relay.taken(message.seq, message.ok);
      case 'held':
        if (process) process.held = { requests: message.requests, connections: message.connections };
        return this.#relay.held(id, message.connections);
      case 'looked':
        return this.looks.heard(message.seq, message);
      case 'cut':
        return this.#hearing.cut(seat, message.requests);
      case 'access':
        return this.#hearing.accessed(seat, message.lines);
      case 'leaving':
        return;
    }
  }

  #beat(id: number, { served, failed, inFlight, lagMs, rss, heapShare }: Beat): void {
    this.#tell({ type: 'beat', id, served, failed, open: inFlight, lagMs, rss, heapShare });
  }

  /** A path with the worker's own pid in it is nobody else's to listen on. */
  #listening({ seat: { id, pid }, addresses }: Process, suffices: boolean): void {
    const shared = [...addresses.values()].filter((name) => pid === undefined || !name.includes(String(pid)));
    this.#tell({ type: 'listening', id, addresses: shared, suffices });
  }

  async #bind(seat: Seat, child: ChildProcess, seq: number, query: BindQuery): Promise<void> {
    // Before it has the socket: whoever is to serve at once is not held when it listens.
    this.#tell({ type: 'binding', id: seat.id });
    const bound = await this.#sockets.bind(seat.id, query);
    const asker = this.#processes.get(seat.id);
    // It died while an old path was looked at: what it asked for would have a holder for ever.
    if (asker === undefined) return this.#sockets.gone(seat.id);
    if ('error' in bound) {
      this.#hearing.bindFailed(seat, query, bound.error);
      return this.#post(child, { type: 'bound', seq, key: bound.key, error: bound.error });
    }
    const { key, ticketKeys, handle } = bound;
    asker.addresses.set(key, nameOf(query));
    this.#post(child, { type: 'bound', seq, key, error: 0, ...(ticketKeys !== undefined && { ticketKeys }) }, handle);
  }

  /** For the relay. A worker that is gone took nothing. */
  give(id: number, message: ToWorker, handle?: unknown): void {
    const child = this.#processes.get(id)?.child;
    if (child) this.#post(child, message, handle);
    else this.#relay.gone(id);
  }

  #send(id: number, message: ToWorker): void {
    const process = this.#processes.get(id);
    if (process?.waiting) process.waiting.push(message);
    else if (process) this.#post(process.child, message);
  }

  #started(id: number): void {
    const process = this.#processes.get(id);
    for (const message of process?.waiting ?? []) if (process) this.#post(process.child, message);
    if (process) process.waiting = undefined;
  }

  /** A message that cannot be sent goes to a worker that is gone, or about to be: its exit says the rest. */
  #post(child: ChildProcess, message: ToWorker, handle?: unknown): void {
    if (child.connected) child.send(seal(message), handle as never, undefined, () => {});
  }
}

/** As the operator writes it. */
function nameOf({ address, port, addressType, fd }: BindQuery): string {
  if (typeof fd === 'number' && fd >= 0) return `descriptor ${fd}`;
  if (addressType === -1) return address ?? '';
  const host = address === null ? '*' : address.includes(':') ? `[${address}]` : address;
  return `${host}:${port}`;
}

/** pm2's way of saying it, and Node users' own. */
const isReadyMessage = (message: unknown): boolean =>
  message === 'ready' ||
  (typeof message === 'object' && message !== null && (message as { type?: unknown }).type === 'ready');

/** The worker's half of node:cluster waits for this before it disconnects. */
function acknowledge(child: ChildProcess, message: unknown): void {
  const { cmd, act, seq } = (message ?? {}) as { cmd?: unknown; act?: unknown; seq?: unknown };
  if (cmd === 'NODE_CLUSTER' && act === 'exitedAfterDisconnect' && child.connected)
    child.send({ cmd: 'NODE_CLUSTER', ack: seq }, () => {});
}
