// Waiting for what tells nobody that it has come: it is looked for again and again, but not for ever, and a test that waits in vain
// fails with what it waited for.
import { setTimeout as sleep } from 'node:timers/promises';

/** Nothing in a test takes this long but what will never come. Shorter than ava's own patience, which knows only the test's title. */
export const PATIENCE_MS = 45_000;

export const inVain = (what: string): Error => new Error(`waited ${PATIENCE_MS / 1000} s in vain: ${what}`);

/**
 * What `look` finds, once that is anything; what it throws is thrown.
 *
 * @param what is waited for, as a failure says it; asked then, where it tells what there was instead.
 * @param pauseMs between two looks; 0 where a look takes its time by itself.
 * @throws {Error} that names it, when patience is over.
 */
export async function until<Found>(
  what: string | (() => string),
  look: () => Found | Promise<Found>,
  pauseMs = 10,
): Promise<Exclude<Found, false | undefined>> {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found !== false && found !== undefined) return found as Exclude<Found, false | undefined>;
    if (performance.now() > end) throw inVain(typeof what === 'string' ? what : what());
    // Also 0 lets everything else have its turn: a look that never waits would starve what it waits for.
    await sleep(pauseMs);
  }
}

/** The same for a promise that something else settles; meanwhile the test's process is kept alive. */
export async function inTime<Value>(what: string, promise: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(inVain(what)), PATIENCE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
