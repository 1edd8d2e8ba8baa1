// Whom the operator wants to be told of new and returning incidents: a command, or an address. Told at most once a minute of each,
// of what comes sooner when the minute is over; tried again where it fails, and never waited for.
import { performance } from 'node:perf_hooks';
import type { IncidentSummary } from './view.js';

export interface News extends IncidentSummary {
  readonly version: 1;
  readonly event: 'new' | 'returned';
  /** The fleet's name. */
  readonly app: string;
  readonly host: string;
  /** The request that met it, where there is one. */
  readonly request?: { readonly method: string; readonly path: string; readonly id: string };
}

export interface HookTimes {
  /** Of each incident, at most one message in this time. */
  readonly everyMs: number;
  /** How long a command or an answer may take. */
  readonly timeoutMs: number;
  readonly retriesMs: readonly number[];
}

const TIMES: HookTimes = { everyMs: 60_000, timeoutMs: 15_000, retriesMs: [1000, 10_000, 60_000] };
const MAX_WAITING = 100;
const MAX_AT_ONCE = 2;
const MAX_REMEMBERED = 1000;

/** Tells somebody; fails where they could not be told. */
export type Deliver = (news: News, timeoutMs: number) => Promise<void>;

export class Hook {
  readonly #deliver: Deliver;
  readonly #failed: (why: string) => void;
  readonly #times: HookTimes;
  readonly #toldAt = new Map<string, number>();
  /** The last news of incidents that were told a moment ago. */
  readonly #late = new Map<string, News>();
  readonly #waiting: News[] = [];
  #atWork = 0;
  #dropped = 0;

  /** `failed` is called once for each message that was given up, and for those that were too many. */
  constructor(deliver: Deliver, failed: (why: string) => void, times: HookTimes = TIMES) {
    this.#deliver = deliver;
    this.#failed = failed;
    this.#times = times;
  }

  tell(news: News): void {
    const now = performance.now();
    const restMs = (this.#toldAt.get(news.id) ?? Number.NEGATIVE_INFINITY) + this.#times.everyMs - now;
    if (restMs > 0) return this.#putOff(news, restMs);
    this.#toldAt.delete(news.id);
    this.#toldAt.set(news.id, now);
    for (const oldest of this.#toldAt.keys()) {
      if (this.#toldAt.size <= MAX_REMEMBERED) break;
      this.#toldAt.delete(oldest);
    }
    if (this.#waiting.length < MAX_WAITING) this.#waiting.push(news);
    else this.#dropped++;
    this.#next();
  }

  /** What has returned stays so and is no news again: it must be told later, or nobody hears of it. */
  #putOff(news: News, restMs: number): void {
    const isAwaited = this.#late.has(news.id);
    this.#late.set(news.id, news);
    if (isAwaited) return;
    setTimeout(() => {
      const last = this.#late.get(news.id);
      this.#late.delete(news.id);
      if (last) this.tell(last);
    }, restMs).unref();
  }

  #next(): void {
    if (this.#atWork >= MAX_AT_ONCE) return;
    const news = this.#waiting.shift();
    if (news === undefined) {
      if (this.#dropped > 0) this.#failed(`${this.#dropped} more incidents were too many to tell`);
      this.#dropped = 0;
      return;
    }
    this.#atWork++;
    void this.#insist(news).finally(() => {
      this.#atWork--;
      this.#next();
    });
  }

  async #insist(news: News): Promise<void> {
    let why = '';
    for (const waitMs of [0, ...this.#times.retriesMs]) {
      if (waitMs > 0) await pause(waitMs);
      try {
        return await this.#deliver(news, this.#times.timeoutMs);
      } catch (error) {
        why = error instanceof Error ? error.message : String(error);
      }
    }
    this.#failed(`incident ${news.id} (${news.event}) could not be told: ${why}`);
  }
}

/** Keeps no process alive. */
const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms).unref());
