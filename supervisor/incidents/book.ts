// The book of errors: like errors are one incident, counted. Facts go in, and what changed comes out; nothing in here does I/O.
// Bounded in number and in size, because the supervisor outlives every error storm.
import { Fingerprints } from './fingerprint.js';
import {
  begin,
  combine,
  type Encounter,
  fromStored,
  type Incident,
  type Moment,
  meet,
  type StoredIncident,
  slim,
  stateOf,
} from './incident.js';

/** A line of the journal. Applied again in the same order, they make the same book. */
export type Change =
  | { readonly type: 'met'; readonly id: string; readonly encounter: Encounter }
  | { readonly type: 'resolved'; readonly id: string; readonly at: Moment };

/** What became of an encounter. */
export interface Entry {
  readonly change: Change;
  readonly incident: Incident;
  /** The first since this supervisor started. */
  readonly first: boolean;
  /** Worth a line in the log: the first, each tenfold since this supervisor started, and one that has returned. */
  readonly milestone: boolean;
  /** Somebody may want to be told. */
  readonly news: 'new' | 'returned' | undefined;
}

export const MAX_INCIDENTS = 1000;
/** Shorter beginnings of an id are no id. */
const LEAST_ID = 4;
const MAX_BYTES = 32 * 1024 * 1024;

export class Book {
  /** In the order of their last occurrence: the front is the first to go. */
  #incidents = new Map<string, Incident>();
  readonly #fingerprints: Fingerprints;
  #bytes = 0;
  /** Incidents that others have pushed out. */
  forgotten = 0;

  /** `root` is the program's directory: frames are told apart by their path within it. */
  constructor(root: string) {
    this.#fingerprints = new Fingerprints(root);
  }

  record(given: Encounter): Entry {
    const id = this.#fingerprints.of(given.report);
    const encounter = { ...given, report: slim(given.report) };
    const known = this.#incidents.has(id);
    const { incident, returned } = this.#meet(id, encounter);
    const before = incident.lately;
    incident.lately += encounter.count;
    return {
      change: { type: 'met', id, encounter },
      incident,
      first: before === 0,
      milestone: returned || tenfold(incident.lately) > tenfold(before),
      news: known ? (returned ? 'returned' : undefined) : 'new',
    };
  }

  /** Undefined where there is no such incident, or nothing to resolve. */
  resolve(id: string, at: Moment): Change | undefined {
    const incident = this.#incidents.get(id);
    if (!incident || stateOf(incident, at) === 'resolved') return undefined;
    const change: Change = { type: 'resolved', id, at };
    this.apply(change);
    return change;
  }

  /** What a journal tells of the past. */
  apply(change: Change): void {
    if (change.type === 'met') return void this.#meet(change.id, change.encounter);
    const incident = this.#incidents.get(change.id);
    if (!incident) return;
    incident.resolvedAt = change.at;
    incident.returnedAt = undefined;
  }

  restore(stored: StoredIncident): void {
    this.#put(fromStored(stored));
  }

  /** Takes over what another book, read from disk, knew before. */
  precededBy(older: Book): void {
    const newer = this.#incidents;
    this.#incidents = older.#incidents;
    this.#bytes = older.#bytes;
    this.forgotten += older.forgotten;
    for (const incident of newer.values()) {
      const known = this.#incidents.get(incident.id);
      if (known) {
        this.#bytes -= known.size;
        combine(known, incident);
      }
      this.#put(known ?? incident);
    }
  }

  get(id: string): Incident | undefined {
    return this.#incidents.get(id);
  }

  /** By its id, the beginning of it where that is enough, or the id of a request that met it. */
  meant(id: string): Incident | undefined {
    const all = [...this.#incidents.values()];
    const [one, other] = id.length < LEAST_ID ? [] : all.filter((incident) => incident.id.startsWith(id));
    if (one) return other ? undefined : one;
    return all.find(({ first, recent }) => [first, ...recent].some(({ request }) => request?.id === id));
  }

  /** The one met last comes last. */
  get incidents(): Iterable<Incident> {
    return this.#incidents.values();
  }

  get size(): number {
    return this.#incidents.size;
  }

  /** Those that were not met since are no more. Whether there were any. */
  forgetBefore(moment: Moment): boolean {
    const before = this.size;
    for (const incident of this.#incidents.values()) if (incident.lastSeen < moment) this.#delete(incident);
    return this.size < before;
  }

  #meet(id: string, encounter: Encounter): { incident: Incident; returned: boolean } {
    const incident = this.#incidents.get(id) ?? begin(id, encounter);
    if (incident.count > 0) this.#bytes -= incident.size;
    const returned = meet(incident, encounter);
    this.#put(incident);
    return { incident, returned };
  }

  #put(incident: Incident): void {
    this.#incidents.delete(incident.id);
    this.#incidents.set(incident.id, incident);
    this.#bytes += incident.size;
    for (const oldest of this.#incidents.values()) {
      if ((this.size <= MAX_INCIDENTS && this.#bytes <= MAX_BYTES) || oldest === incident) return;
      this.#delete(oldest);
      this.forgotten++;
    }
  }

  #delete(incident: Incident): void {
    this.#incidents.delete(incident.id);
    this.#bytes -= incident.size;
  }
}

/** 0 → -1, 1…9 → 0, 10…99 → 1, and so on. */
const tenfold = (count: number): number => (count === 0 ? -1 : String(count).length - 1);
