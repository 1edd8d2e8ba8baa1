// The book of errors: like errors are one incident, counted, with the request that met it first and the one that met it last.
// In memory for now; bounded, because the supervisor outlives every error storm.
import type { CountedReport, ErrorReport } from '../../worker/protocol.js';
import { fingerprint } from './fingerprint.js';

export interface Incident {
  readonly id: string;
  readonly first: ErrorReport;
  readonly firstSeen: Date;
  last: ErrorReport;
  lastSeen: Date;
  count: number;
}

/** What is worth a line in the log: the first occurrence, and each tenfold of it. */
export interface Milestone {
  readonly incident: Incident;
  readonly report: ErrorReport;
}

const MAX_INCIDENTS = 1000;

export class Book {
  /** In the order of their last occurrence: the front is the first to go. */
  readonly #incidents = new Map<string, Incident>();
  readonly #root: string;

  /** `root` is the program's directory: frames are told apart by their path within it. */
  constructor(root: string) {
    this.#root = root;
  }

  record({ report, count }: CountedReport, now: Date): Milestone | undefined {
    const id = fingerprint(report, this.#root);
    const known = this.#incidents.get(id);
    const incident = known ?? { id, first: report, firstSeen: now, last: report, lastSeen: now, count: 0 };
    const before = incident.count;
    incident.count += count;
    incident.last = report;
    incident.lastSeen = now;
    this.#incidents.delete(id);
    this.#incidents.set(id, incident);
    this.#forgetOldest();
    return tenfold(incident.count) > tenfold(before) ? { incident, report } : undefined;
  }

  get incidents(): readonly Incident[] {
    return [...this.#incidents.values()];
  }

  #forgetOldest(): void {
    for (const id of this.#incidents.keys()) {
      if (this.#incidents.size <= MAX_INCIDENTS) return;
      this.#incidents.delete(id);
    }
  }
}

/** 0 → -1, 1…9 → 0, 10…99 → 1, and so on. */
const tenfold = (count: number): number => (count === 0 ? -1 : String(count).length - 1);
