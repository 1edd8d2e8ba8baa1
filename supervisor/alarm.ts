// Pure: whether a time of the wall clock has come. It is looked at over and over, since a clock may be set and a machine may sleep:
// what has been missed by more than a moment is not made up for, and nothing comes twice.

/** A clock that was set is noticed within this time. */
const LOOK_MS = 60_000;
/** A machine that slept longer than this has missed it. */
const LATE_MS = 60_000;

export type Look =
  | { readonly type: 'wait'; readonly ms: number }
  | { readonly type: 'due' }
  | { readonly type: 'missed'; readonly byMs: number };

/** Both in milliseconds since 1970. */
export function look(at: number, now: number): Look {
  if (now < at) return { type: 'wait', ms: Math.min(LOOK_MS, at - now) };
  return now - at > LATE_MS ? { type: 'missed', byMs: now - at } : { type: 'due' };
}

/** From when on the next time is looked for: a clock that is set back does not bring the last one round again. */
export const resume = (last: number, now: number): number => Math.max(last, now);
