// How often an incident was met in each minute of the last day.

const MINUTE_MS = 60_000;
const DAY = 1440;

/** A minute since the epoch, and how often. */
export type Minute = readonly [minute: number, count: number];

export class Minutes {
  /** A ring: the minute `m` is at `m % DAY`. */
  readonly #counts = new Uint32Array(DAY);
  #last = 0;

  constructor(minutes: readonly Minute[] = []) {
    for (const [minute, count] of minutes) this.add(minute * MINUTE_MS, count);
  }

  /** A clock that is set back adds to the minutes that it is in again; what is older than a day is not counted. */
  add(at: number, count: number): void {
    const minute = Math.floor(at / MINUTE_MS);
    this.#forgetUntil(minute);
    if (minute > this.#last - DAY) this.#counts[minute % DAY] = (this.#counts[minute % DAY] ?? 0) + count;
  }

  /** Those in which it was met, oldest first, of the day before `now`. */
  since(now: number): Minute[] {
    const from = Math.max(Math.floor(now / MINUTE_MS), this.#last) - DAY + 1;
    const met: Minute[] = [];
    for (let minute = from; minute <= this.#last; minute++) {
      const count = this.#counts[minute % DAY] ?? 0;
      if (count > 0) met.push([minute, count]);
    }
    return met;
  }

  #forgetUntil(minute: number): void {
    if (minute <= this.#last) return;
    if (minute - this.#last >= DAY) this.#counts.fill(0);
    else for (let each = this.#last + 1; each <= minute; each++) this.#counts[each % DAY] = 0;
    this.#last = minute;
  }
}

/** The last is the hour that ends now. */
export function hours(minutes: readonly Minute[], now: number): number[] {
  const counts = Array.from({ length: 24 }, () => 0);
  for (const [minute, count] of minutes) {
    const ago = Math.max(0, Math.floor((now / MINUTE_MS - minute) / 60));
    if (ago < 24) counts[23 - ago] = (counts[23 - ago] ?? 0) + count;
  }
  return counts;
}
