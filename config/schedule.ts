// Times in the syntax of cron. The parser is loaded only where a configuration has one.
import type { Problem } from './problem.js';
import { getAt } from './tree.js';
import { blame, type Wish } from './wish.js';

export interface Schedule {
  /** The first time after this moment, both in milliseconds since 1970; undefined where there is none any more. */
  readonly after: (moment: number) => number | undefined;
}

/** @throws {Error} where it is none. */
export async function readSchedule(words: string, timeZone: string | undefined): Promise<Schedule> {
  const { Cron } = await import('croner');
  const cron = new Cron(words, { paused: true, ...(timeZone !== undefined && { timezone: timeZone }) });
  return { after: (moment) => cron.nextRun(new Date(moment))?.getTime() };
}

/** A schedule that does not parse or never comes round, a time zone that nobody knows. */
export async function misscheduled(wish: Wish): Promise<Problem[]> {
  const at = (key: string): unknown => getAt(wish.given, ['recycle', key]);
  const wrong = (key: string, expected: string, why: string): Problem[] =>
    blame(wish, ['recycle', key], `expected ${expected}, got ${JSON.stringify(at(key))}${why}`);
  const [words, zone] = [at('schedule'), at('timeZone')];
  if (typeof zone === 'string' && !isZone(zone)) return wrong('timeZone', 'a time zone such as "Europe/Berlin"', '');
  if (typeof words !== 'string') return [];
  const expected = 'a schedule in the syntax of cron, such as "0 4 * * *"';
  try {
    const { after } = await readSchedule(words, typeof zone === 'string' ? zone : undefined);
    return after(Date.now()) === undefined
      ? wrong('schedule', 'a schedule that comes round', ', which never does')
      : [];
  } catch (error) {
    return wrong('schedule', expected, ` (${(error as Error).message.replace(/^\w+: /, '')})`);
  }
}

function isZone(timeZone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
