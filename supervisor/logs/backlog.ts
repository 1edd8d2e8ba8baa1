// What is to be written and has not been yet. Whoever takes the lines in may be slow, or stop: the supervisor never waits for them.
// Workers are held back for a moment where that helps; where it does not, lines are dropped, counted, and the gap is told.

/** Takes bytes in, one piece at a time. */
export interface Target {
  /** `taken` is called when the next piece may come, whatever became of this one. Never throws. */
  write(piece: Buffer, taken: () => void): void;
  /** At the end of the process, where nothing can be waited for. Never throws. */
  writeLast(rest: Buffer): void;
  /** Nothing more comes. What could not be written keeps nobody. */
  end(): void;
}

export interface Gap {
  readonly lines: number;
  /** For how long nothing, or too little, was taken in. */
  readonly ms: number;
}

export interface Relations {
  /** Workers are to wait with what they print, or may go on. */
  readonly hold: (held: boolean) => void;
  /** From now on lines are dropped. */
  readonly stalled: () => void;
  /** Lines are taken in again; so many are missing. */
  readonly dropped: (gap: Gap) => void;
}

/** Characters. Below half of it a backlog is well again. */
const MAX_WAITING = 8 * 1024 * 1024;
/** Beyond that, for cordon's own lines, and for what a worker that is gone has left in its pipe. */
const RESERVE = 2 * 1024 * 1024;
const MAX_PIECE = 128 * 1024;
/** Workers are never held back for longer at a time: a worker that waits to print answers nobody. */
export const HOLD_MS = 1_000;
/** At the end, a reader gets so long to take more in. */
const PATIENCE_MS = 1_000;
/** And so long altogether. */
const MAX_GOODBYE_MS = 10_000;

export class Backlog {
  readonly #target: Target;
  readonly #relations: Relations;
  #pieces: string[] = [];
  /** What is with the target, and what waits. */
  #size = 0;
  #writing = false;
  #state: 'flowing' | 'holding' | 'dropping' = 'flowing';
  #since = 0;
  #dropped = 0;
  #timer: NodeJS.Timeout | undefined;
  #progress: (() => void) | undefined;

  constructor(target: Target, relations: Relations) {
    this.#target = target;
    this.#relations = relations;
  }

  /** `text` is whole lines. Those of cordon itself (`own`) are the last to be dropped. */
  add(text: string, lines: number, own: boolean): void {
    if (!this.#hasRoomFor(text, own)) {
      this.#dropped += lines;
      return;
    }
    this.#size += text.length;
    const last = this.#pieces.length - 1;
    const begun = this.#pieces[last];
    if (begun !== undefined && begun.length + text.length <= MAX_PIECE) this.#pieces[last] = begun + text;
    else this.#pieces.push(text);
    this.#write();
    if (this.#size > MAX_WAITING && this.#state === 'flowing') this.#hold();
  }

  #hasRoomFor(text: string, own: boolean): boolean {
    if (this.#state === 'flowing') return true;
    return (own || this.#state === 'holding') && this.#size + text.length <= MAX_WAITING + RESERVE;
  }

  #write(): void {
    if (this.#writing) return;
    const text = this.#pieces.shift();
    if (text === undefined) return;
    this.#writing = true;
    this.#target.write(Buffer.from(text), () => {
      this.#writing = false;
      this.#size -= text.length;
      if (this.#state !== 'flowing' && this.#size <= MAX_WAITING / 2) this.#recover();
      this.#write();
      this.#progress?.();
    });
  }

  #hold(): void {
    this.#state = 'holding';
    this.#since = performance.now();
    this.#relations.hold(true);
    this.#timer = setTimeout(() => {
      this.#state = 'dropping';
      this.#relations.hold(false);
      this.#relations.stalled();
    }, HOLD_MS).unref();
  }

  #recover(): void {
    clearTimeout(this.#timer);
    if (this.#state === 'holding') this.#relations.hold(false);
    this.#state = 'flowing';
    const lines = this.#dropped;
    this.#dropped = 0;
    if (lines > 0) this.#relations.dropped({ lines, ms: performance.now() - this.#since });
  }

  /** Resolves when all is written, or nobody takes it in. */
  async end(): Promise<void> {
    const until = performance.now() + MAX_GOODBYE_MS;
    while (this.#size > 0 && performance.now() < until) {
      let timer: NodeJS.Timeout | undefined;
      const moved = await new Promise<boolean>((resolve) => {
        this.#progress = () => resolve(true);
        timer = setTimeout(resolve, PATIENCE_MS, false);
      });
      clearTimeout(timer);
      this.#progress = undefined;
      if (!moved) break;
    }
    this.#target.end();
  }

  /** The process ends now. What is with the target already is left to it. */
  flushLast(): void {
    if (this.#pieces.length > 0) this.#target.writeLast(Buffer.from(this.#pieces.join('')));
    this.#pieces = [];
  }
}
