// Connections on their way from one worker to another. The supervisor never reads from them: it holds a copy until the worker that
// it was given to has said that it took it, which is before that worker has read from it. So a worker that dies on the way costs
// no connection.
import type { Moved, ToWorker } from '../worker/protocol.js';
import { excess } from './balance.js';
import { type Fleet, isServing, type Worker } from './state.js';

export interface Handle {
  close(): void;
}

/** Who has what this fleet's workers hand over, once it is on its way out. */
export type Heir = (moved: Moved, handle: Handle) => void;

interface Waiting {
  readonly moved: Moved;
  readonly handle: Handle;
  readonly from: number;
  /** Who has had it and would not take it. */
  readonly refused: readonly number[];
  /** When it is given up; from the first time that nobody took it. */
  readonly until?: number;
}

interface Given extends Waiting {
  readonly to: number;
}

/** So many wait for a worker that serves, and so long. */
const MOST_WAITING = 1_000;
const LONGEST_WAIT_MS = 10_000;
/** Counts that come together are looked at together. */
const BALANCE_AFTER_MS = 50;

export class Relay {
  readonly #fleet: () => Fleet;
  readonly #send: (worker: number, message: ToWorker, handle?: unknown) => void;
  readonly #moved: (from: number) => void;
  readonly #given = new Map<number, Given>();
  readonly #waiting = new Map<Waiting, NodeJS.Timeout>();
  /** As told by each worker, less what it handed over since, and with what it was given. */
  readonly #held = new Map<number, number>();
  /** What each worker was last asked to pass on. */
  readonly #asked = new Map<number, number>();
  #balancing: NodeJS.Timeout | undefined;
  /** Where connections go when this fleet is on its way out. */
  #heir: Heir | undefined;
  /** All have been told that nobody takes connections over any more. */
  #ended = false;
  #seq = 0;

  constructor(
    fleet: () => Fleet,
    send: (worker: number, message: ToWorker, handle?: unknown) => void,
    /** A connection has arrived where it was sent. */
    moved: (from: number) => void,
  ) {
    this.#fleet = fleet;
    this.#send = send;
    this.#moved = moved;
  }

  /** Somebody may be ready who was not; or all are told to go, and nobody will be. */
  observe(): void {
    if (this.#fleet().goal !== 'serve') return this.#end();
    const serving = this.#serving();
    if (this.#waiting.size > 0 && serving.length > 0) this.#look();
    const newcomers = serving.filter((worker) => !this.#held.has(worker));
    for (const worker of newcomers) this.#held.set(worker, 0);
    // Its share is idle elsewhere: it need not wait until enough clients happen to connect.
    if (newcomers.length > 0) this.#balance();
  }

  /** Workers that serve and are expected to stay; those which are not, or are stuck, where there are no others. */
  #serving(): number[] {
    const { goal, workers } = this.#fleet();
    if (goal !== 'serve') return [];
    const ready = workers.filter(({ phase, vitals }) => phase === 'ready' && vitals.stuck === undefined);
    return (ready.length > 0 ? ready : workers.filter(isServing)).map(({ id }) => id);
  }

  /** A worker hands a connection over. */
  take(from: number, seq: number, moved: Moved, handle: Handle | undefined): void {
    if (!this.hasTakers) {
      this.#send(from, { type: 'returned', seq });
      return handle?.close();
    }
    this.#send(from, { type: 'received', seq });
    if (handle === undefined) return this.#settle(from);
    this.#held.set(from, Math.max(0, this.#load(from) - 1));
    this.#asked.set(from, Math.max(0, (this.#asked.get(from) ?? 0) - 1));
    this.#place({ moved, handle, from, refused: [] });
  }

  /** A worker has taken a connection over, or cannot. */
  taken(seq: number, ok: boolean): void {
    const given = this.#given.get(seq);
    if (given === undefined) return;
    this.#given.delete(seq);
    if (ok) {
      this.#close(given);
      this.#moved(given.from);
    } else this.#place({ ...given, refused: [...given.refused, given.to] });
  }

  held(worker: number, connections: number): void {
    this.#held.set(worker, connections);
    this.#balancing ??= setTimeout(() => this.#balance(), BALANCE_AFTER_MS).unref();
  }

  #balance(): void {
    clearTimeout(this.#balancing);
    this.#balancing = undefined;
    const serving = this.#serving();
    const moves = excess(new Map(serving.map((worker) => [worker, this.#load(worker)])));
    for (const worker of serving) {
      const count = moves.get(worker) ?? 0;
      if (count === (this.#asked.get(worker) ?? 0)) continue;
      this.#asked.set(worker, count);
      this.#send(worker, { type: 'pass-on', count });
    }
  }

  /** The worker is gone, and all that it said has been heard: what it did not say that it took goes to another. */
  gone(worker: number): void {
    this.#held.delete(worker);
    this.#asked.delete(worker);
    for (const [seq, given] of this.#given) if (given.to === worker) this.taken(seq, false);
  }

  #look(): void {
    // What nobody takes waits again, in the same list.
    const all = [...this.#waiting];
    this.#waiting.clear();
    for (const [waiting, timer] of all) {
      clearTimeout(timer);
      // Who would not take it then may now.
      this.#place({ ...waiting, refused: [] });
    }
  }

  /** This fleet serves no more: what is handed over from now on goes to its successor's. */
  follow(heir: Heir): void {
    this.#heir = heir;
  }

  /** The successor takes no more: what is handed over stays with those who have it. */
  unfollow(): void {
    this.#heir = undefined;
    if (this.#fleet().goal !== 'serve') this.#end();
  }

  /** Whether anybody here can have a connection from elsewhere. */
  get adopts(): boolean {
    return this.hasTakers || this.#leaving().length > 0;
  }

  /** Whether somebody takes over what this fleet's workers hand over. */
  get hasTakers(): boolean {
    return this.#heir !== undefined || this.#fleet().goal === 'serve';
  }

  /** From a predecessor's fleet. */
  adopt(moved: Moved, handle: Handle): void {
    this.#place({ moved, handle, from: 0, refused: [] });
  }

  /** Workers that drain already hand over no more; and what is here goes to whoever is left. */
  #end(): void {
    clearTimeout(this.#balancing);
    if (!this.#ended && !this.hasTakers) {
      this.#ended = true;
      for (const { id } of this.#leaving()) this.#send(id, { type: 'keep' });
    }
    this.#look();
  }

  #leaving(): Worker[] {
    return this.#fleet().workers.filter((one) => isServing(one) || one.phase === 'draining');
  }

  #place(waiting: Waiting): void {
    const { moved, handle, from } = waiting;
    if (this.#heir && this.#fleet().goal !== 'serve') {
      this.#heir(moved, handle);
      return this.#settle(from);
    }
    const [to] = this.#takers(waiting).toSorted((one, other) => this.#load(one) - this.#load(other));
    if (to === undefined) return this.#wait(waiting);
    const seq = ++this.#seq;
    this.#given.set(seq, { ...waiting, to });
    this.#held.set(to, this.#load(to) + 1);
    this.#send(to, { type: 'take-over', seq, moved }, handle);
  }

  /** Who may have it. Its giver has it again where nobody else will: better than to wait for somebody new. */
  #takers({ from, refused }: Waiting): number[] {
    const willing = (id: number): boolean => !refused.includes(id);
    if (this.#fleet().goal !== 'serve')
      return this.#leaving()
        .map(({ id }) => id)
        .filter(willing);
    const able = this.#serving().filter(willing);
    const others = able.filter((id) => id !== from);
    return others.length > 0 || refused.length === 0 ? others : able;
  }

  #wait(waiting: Waiting): void {
    const { until = performance.now() + LONGEST_WAIT_MS } = waiting;
    if (this.#fleet().goal !== 'serve') return this.#close(waiting);
    if (this.#waiting.size >= MOST_WAITING) return this.#close(waiting);
    const kept = { ...waiting, until };
    const timer = setTimeout(
      () => {
        this.#waiting.delete(kept);
        this.#close(kept);
      },
      Math.max(0, until - performance.now()),
    ).unref();
    this.#waiting.set(kept, timer);
  }

  #close({ handle, from }: Waiting): void {
    handle.close();
    this.#settle(from);
  }

  /** Its giver may send another: connections that wait for a worker are better off where they are served meanwhile. */
  #settle(from: number): void {
    if (this.#fleet().workers.some(({ id }) => id === from)) this.#send(from, { type: 'arrived' });
  }

  #load(worker: number): number {
    return this.#held.get(worker) ?? 0;
  }
}
