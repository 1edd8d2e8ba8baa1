// Metrics at work: it overhears what workers tell, asks them for what their programs measure, and renders it all when somebody asks.
import type { ProgramMetric } from '../../worker/protocol.js';
import type { BookFigures } from '../incidents/incidents.js';
import type { Hearing, Seat } from '../node-host.js';
import { type Legacy, legacyOf } from './legacy.js';
import { keep, merge } from './program.js';
import { type Own, renderMetrics } from './render.js';
import { Tally } from './tally.js';

/** A worker that is stuck delays a scrape by this and no more; its last word is used. */
const PATIENCE_MS = 1000;

export interface Surroundings {
  readonly name: string;
  readonly version: string;
  readonly incidents: () => BookFigures;
  /** Asks the workers, with this number; says which. */
  readonly measure: (seq: number) => readonly number[];
}

interface Round {
  readonly seq: number;
  readonly waiting: Set<number>;
  readonly done: () => void;
}

export class Metrics {
  readonly #surroundings: Surroundings;
  readonly #tally = new Tally();
  readonly #since = Date.now();
  readonly #programs = new Map<number, readonly ProgramMetric[]>();
  /** Of workers that are gone. */
  #kept: readonly ProgramMetric[] = [];
  #told: Legacy | undefined;
  #seq = 0;
  #round: Round | undefined;
  #asked: Promise<void> | undefined;
  #utilization = performance.eventLoopUtilization();

  readonly observe = this.#tally.observe;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  /** What has been counted since the last legacy, for a successor. */
  bequeath(): Legacy {
    const legacy = legacyOf(this.#tally.snapshot(performance.now()), this.#told);
    this.#told = legacyOf(this.#tally.snapshot(performance.now()));
    return legacy;
  }

  inherit(legacy: Legacy): void {
    this.#tally.inherit(legacy);
  }

  /** A connection has moved from one worker to another. */
  handedOver(): void {
    this.#tally.handedOver(1);
  }

  /** Counts, and passes on. */
  overhear(hearing: Hearing): Hearing {
    return {
      spawned: (seat) => hearing.spawned(seat),
      said: (seat, stream, line) => hearing.said(seat, stream, line),
      accessed: (seat, lines) => hearing.accessed(seat, lines),
      settled: (seat) => hearing.settled(seat),
      bindFailed: (seat, query, error) => hearing.bindFailed(seat, query, error),
      stuck: (seat, diagnosis) => hearing.stuck(seat, diagnosis),
      errors: (seat, errors, dropped) => {
        for (const { report, count } of errors) this.#tally.errors(count, report.origin === 'reported');
        this.#tally.errors(dropped, false);
        hearing.errors(seat, errors, dropped);
      },
      cut: (seat, requests) => {
        this.#tally.cut(requests);
        hearing.cut(seat, requests);
      },
      beat: (seat, beat) => {
        this.#tally.beat(seat.id, seat.slot, beat, performance.now());
        hearing.beat(seat, beat);
      },
      measured: (seat, seq, metrics) => {
        this.#measured(seat, seq, metrics);
        hearing.measured(seat, seq, metrics);
      },
      silent: (seat) => {
        this.#gone(seat);
        hearing.silent(seat);
      },
    };
  }

  /** Prometheus text. Scrapes that come together are one. */
  async scrape(): Promise<string> {
    this.#asked ??= this.#ask().finally(() => {
      this.#asked = undefined;
    });
    await this.#asked;
    const tally = this.#tally.snapshot(performance.now());
    if (!tally) return '';
    const program = merge([...this.#programs.values(), this.#kept]);
    return renderMetrics({ tally, incidents: this.#surroundings.incidents(), own: this.#own(), program });
  }

  #ask(): Promise<void> {
    return new Promise((resolve) => {
      const seq = ++this.#seq;
      const done = (): void => {
        clearTimeout(timer);
        this.#round = undefined;
        resolve();
      };
      const timer = setTimeout(done, PATIENCE_MS);
      this.#round = { seq, waiting: new Set(this.#surroundings.measure(seq)), done };
      if (this.#round.waiting.size === 0) done();
    });
  }

  #measured({ id }: Seat, seq: number, metrics: readonly ProgramMetric[]): void {
    this.#programs.set(id, metrics);
    if (this.#round?.seq === seq) this.#answered(id);
  }

  #answered(id: number): void {
    const round = this.#round;
    if (round?.waiting.delete(id) && round.waiting.size === 0) round.done();
  }

  #gone({ id }: Seat): void {
    this.#tally.gone(id);
    this.#answered(id);
    const last = this.#programs.get(id);
    this.#programs.delete(id);
    if (last) this.#kept = keep(this.#kept, last);
  }

  #own(): Own {
    const { name, version } = this.#surroundings;
    const { user, system } = process.cpuUsage();
    const { heapUsed: heap, rss } = process.memoryUsage();
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, this.#utilization);
    this.#utilization = now;
    const cpuMs = (user + system) / 1000;
    return { name, version, node: process.versions.node, since: this.#since, cpuMs, heap, rss, utilization };
  }
}
