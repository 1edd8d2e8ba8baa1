// The looks that are under way, each at one live worker: it is asked, and what it says is waited for, but never for long. A worker
// that does not answer is stuck or busy, and one that is gone says nothing any more: both are answers.
import { inWords } from '../../config/duration.js';
import type { Look, LookStep, ToWorker } from '../../worker/protocol.js';
import { CHATTER } from '../hang/examine.js';

export interface Means {
  readonly send: (id: number, message: ToWorker) => void;
  /** Its silence is no fault for so long. */
  readonly excuse: (id: number, forMs: number) => void;
}

/** How a look went: undefined where nothing is wrong. */
export type Failure = string | undefined;

export interface Begun {
  /** Of the inspector. */
  readonly url: string | undefined;
  /** Never rejects. */
  readonly over: Promise<Failure>;
}

interface UnderWay {
  readonly id: number;
  readonly kind: Look['kind'];
  readonly begun: (url: string | undefined) => void;
  readonly over: (failure: Failure) => void;
}

/** From the question to a first word. An event loop that is later than this has no time for it. */
const ANSWER_MS = 5000;
/** Beyond the time that a profile runs: it is put together and written. */
const WRITE_MS = 30_000;
/** A snapshot takes some 10 s a gigabyte. */
const LONGEST_MS = { heap: 300_000, inspector: 3_600_000 } as const;

export class Looks {
  readonly #means: Means;
  readonly #underWay = new Map<number, UnderWay>();
  /** Whose inspector was opened: what Node says of it is none of the program's business. */
  readonly #opened = new Set<number>();
  #seq = 0;

  constructor(means: Means) {
    this.#means = means;
  }

  /** Why this worker cannot be looked into now, where others are. */
  obstacle(id: number, kind: Look['kind']): string | undefined {
    const all = [...this.#underWay.values()];
    if (all.some((one) => one.id === id)) return `worker ${id} is being looked into already`;
    const standing = kind === 'heap' ? all.find((one) => one.kind === 'heap') : undefined;
    return (
      standing && `a snapshot is being taken of worker ${standing.id}, which stands still meanwhile; one at a time`
    );
  }

  /** Resolves when it is under way, or to why it is not. `signal`: nobody wants to know any more. */
  begin(id: number, look: Look, signal: AbortSignal): Promise<Begun | string> {
    const seq = ++this.#seq;
    let over!: (failure: Failure) => void;
    const overAt = new Promise<Failure>((resolve) => (over = resolve));
    return new Promise((resolve) => {
      let excused = false;
      const end = (failure: Failure): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', enough);
        this.#underWay.delete(seq);
        if (excused) this.#means.excuse(id, 0);
        resolve(failure ?? `worker ${id} was not looked into`);
        over(failure);
      };
      const giveUp = (why: string): void => {
        this.#means.send(id, { type: 'look-away', seq });
        end(why);
      };
      const enough = (): void => giveUp('nobody waits for it any more');
      let timer = setTimeout(
        giveUp,
        ANSWER_MS,
        `worker ${id} does not answer: its event loop is busy, or stands still`,
      );
      const begun = (url: string | undefined): void => {
        clearTimeout(timer);
        const most = look.kind === 'cpu' ? look.forMs + WRITE_MS : LONGEST_MS[look.kind];
        timer = setTimeout(giveUp, most, `worker ${id}: it took longer than ${inWords(most)}`);
        excused = look.kind !== 'cpu';
        if (excused) this.#means.excuse(id, most);
        resolve({ url, over: overAt });
      };
      this.#underWay.set(seq, { id, kind: look.kind, begun, over: end });
      signal.addEventListener('abort', enough, { once: true });
      if (look.kind === 'inspector') this.#opened.add(id);
      this.#means.send(id, { type: 'look', seq, look });
    });
  }

  heard(seq: number, step: LookStep): void {
    const look = this.#underWay.get(seq);
    if (step.step === 'begun') look?.begun(step.url);
    else if (look) look.over(step.step === 'failed' ? `worker ${look.id}: ${step.why}` : undefined);
  }

  /** A line of a worker's stderr: whether it is Node's word on the inspector. */
  said(id: number, line: string): boolean {
    return this.#opened.has(id) && CHATTER.test(line);
  }

  gone(id: number): void {
    this.#opened.delete(id);
    for (const look of this.#underWay.values()) if (look.id === id) look.over(`worker ${id} is gone`);
  }
}
