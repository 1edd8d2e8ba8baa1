// The book of errors at work: what workers report goes in, is kept on disk, and is told to whom the operator wants told. The rest of
// the supervisor knows the book by this file.
import { hostname } from 'node:os';
import type { Config } from '../../config/config.js';
import type { CountedReport } from '../../worker/protocol.js';
import type { Seat } from '../node-host.js';
import { Book, type Entry } from './book.js';
import { Hook } from './hook.js';
import { type Incident, type IncidentState, type Moment, type Release, stateOf } from './incident.js';
import { placeOf, prepare, release, take } from './place.js';
import { type Loaded, load, Store } from './store.js';
import {
  detailOf,
  type IncidentDetail,
  type IncidentQuestion,
  type IncidentSummary,
  listed,
  summaryOf,
} from './view.js';

export type { IncidentDetail, IncidentQuestion, IncidentState, IncidentSummary };

/** What the control socket shows of the book. */
export interface IncidentBook {
  /** The one met last comes first. */
  list(question?: IncidentQuestion): IncidentSummary[];
  /** How many there are to be listed. */
  count(question?: Omit<IncidentQuestion, 'lines'>): number;
  /** By its id, the beginning of it where that is enough, or the id of a request that met it. Reads source maps. */
  show(id: string): IncidentDetail | undefined;
  /** By what `show` takes. False where there is no such incident; that it is resolved already is no failure. */
  resolve(id: string): boolean;
}

/** How many incidents there are in each state, and how many others have pushed out. */
export type BookFigures = Readonly<Record<IncidentState, number>> & { readonly forgotten: number };

/** The fleet is not kept waiting for a slow disk. */
const PATIENCE_MS = 3000;
const RETRY_MS = 2000;
const FORGET_MS = 3_600_000;
/** Generations that may still have workers, and many more. */
const MAX_RELEASES = 1000;

export class Incidents implements IncidentBook {
  readonly #config: Config;
  readonly #dir: string;
  readonly #warn: (sentence: string) => void;
  readonly #book: Book;
  readonly #hook: Hook | undefined;
  readonly #succeeds: boolean;
  readonly #releases = new Map<number, Release>();
  #store: Store | undefined;
  #loaded: Loaded | undefined;
  #said: string | undefined;
  #retry: NodeJS.Timeout | undefined;
  #forget: NodeJS.Timeout | undefined;
  #closed = false;

  /** Where it is kept. */
  get dir(): string {
    return this.#dir;
  }

  /** `succeeds`: another supervisor has the book, and will soon leave it to this one. */
  constructor(config: Config, warn: (sentence: string) => void, succeeds = false) {
    this.#config = config;
    this.#warn = warn;
    this.#succeeds = succeeds;
    this.#book = new Book(config.cwd);
    this.#dir = config.errors.dir ?? placeOf(config.name, process.env);
    const { onIncident } = config.hooks;
    if (onIncident !== undefined)
      this.#hook = new Hook(
        async (news, timeoutMs) => {
          const { byCommand, byPost } = await import('./deliver.js');
          const deliver = typeof onIncident === 'string' ? byPost(onIncident) : byCommand(onIncident, config.cwd);
          return deliver(news, timeoutMs);
        },
        (why) => warn(`hooks.onIncident: ${why}`),
      );
  }

  /** Reads what was kept. Never fails, and soon goes on: a book that cannot be read or written is kept in memory. */
  async open(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, PATIENCE_MS);
    });
    await Promise.race([this.#take(), late]);
    clearTimeout(timer);
    this.#forget = setInterval(() => {
      if (this.#book.forgetBefore(this.#oldest)) this.#store?.renew();
    }, FORGET_MS).unref();
  }

  /** A release begins with its first worker. */
  spawned({ generation }: Pick<Seat, 'generation'>): void {
    this.#release(generation, Date.now());
  }

  met(seat: Seat, { report, count }: CountedReport): Entry {
    const { id: worker, pid, slot, generation } = seat;
    const at = Date.now();
    const entry = this.#book.record({ at, report, count, worker, pid, slot, release: this.#release(generation, at) });
    this.#store?.add(entry.change);
    if (entry.news) this.#tell(entry.incident, entry.news, report);
    return entry;
  }

  list(question: IncidentQuestion = {}): IncidentSummary[] {
    const now = Date.now();
    return this.#wanted(question, now)
      .slice(0, question.lines)
      .map((one) => summaryOf(one, now));
  }

  count(question: IncidentQuestion = {}): number {
    return this.#wanted(question, Date.now()).length;
  }

  show(id: string): IncidentDetail | undefined {
    const incident = this.#book.meant(id);
    return incident && detailOf(incident, Date.now());
  }

  resolve(id: string): boolean {
    const incident = this.#book.meant(id);
    const change = incident && this.#book.resolve(incident.id, Date.now());
    if (change) this.#store?.add(change);
    return incident !== undefined;
  }

  get figures(): BookFigures {
    const now = Date.now();
    const figures = { new: 0, known: 0, resolved: 0, returned: 0, forgotten: this.#book.forgotten };
    for (const incident of this.#book.incidents) figures[stateOf(incident, now)]++;
    return figures;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    clearInterval(this.#forget);
    await this.#store?.close(PATIENCE_MS);
    if (this.#store) await release(this.#dir).catch(() => {});
  }

  async #take(): Promise<void> {
    try {
      await prepare(this.#dir);
      const holder = await take(this.#dir);
      if (holder !== undefined && this.#succeeds) return this.#again();
      if (holder !== undefined) return this.#later(`process ${holder} keeps its book of errors in ${this.#dir}`);
      await this.#load();
      this.#begin();
    } catch (error) {
      this.#later((error as Error).message);
      await this.#load().catch(() => {});
    }
  }

  async #load(): Promise<void> {
    if (this.#loaded) return;
    const older = new Book(this.#config.cwd);
    this.#loaded = await load(this.#dir, older);
    this.#book.precededBy(older);
  }

  #begin(): void {
    if (this.#closed || !this.#loaded) return void release(this.#dir).catch(() => {});
    const store = new Store(this.#dir, this.#book, this.#loaded, {
      failed: (error) => this.#say(error.message),
      recovered: () => this.#recovered(),
    });
    this.#store = store;
    const met = [...this.#book.incidents].some(({ lately }) => lately > 0);
    if (this.#book.forgetBefore(this.#oldest) || met) store.renew();
    this.#recovered();
  }

  #later(why: string): void {
    if (this.#closed) return;
    this.#say(why);
    this.#again();
  }

  #again(): void {
    if (!this.#closed) this.#retry = setTimeout(() => void this.#take(), RETRY_MS).unref();
  }

  #say(why: string): void {
    if (this.#said === undefined)
      this.#warn(
        `the book of errors cannot be written: ${why}; it is kept in memory, and written when that can be done`,
      );
    this.#said ??= why;
  }

  #recovered(): void {
    if (this.#said !== undefined) this.#warn(`the book of errors is written again, in ${this.#dir}`);
    this.#said = undefined;
  }

  #release(generation: number, since: Moment): Release {
    const known = this.#releases.get(generation);
    if (known) return known;
    const begun = { generation, since };
    this.#releases.set(generation, begun);
    for (const oldest of this.#releases.keys()) {
      if (this.#releases.size <= MAX_RELEASES) break;
      this.#releases.delete(oldest);
    }
    return begun;
  }

  get #oldest(): Moment {
    return Date.now() - this.#config.errors.keepMs;
  }

  #wanted({ since = 0, state }: IncidentQuestion, now: Moment): Incident[] {
    return listed(this.#book.incidents, Math.max(since, this.#oldest), state, now);
  }

  #tell(incident: Incident, event: 'new' | 'returned', { request }: CountedReport['report']): void {
    this.#hook?.tell({
      version: 1,
      event,
      app: this.#config.name,
      host: hostname(),
      ...summaryOf(incident, Date.now()),
      ...(request && { request: { method: request.method, path: request.path, id: request.id } }),
    });
  }
}
