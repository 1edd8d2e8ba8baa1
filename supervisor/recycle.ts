// Every worker is replaced when the clock says so, a few at a time and each when its successor serves. It is no new generation.
import type { Config } from '../config/config.js';
import { inWords } from '../config/duration.js';
import { readSchedule } from '../config/schedule.js';
import { look, resume } from './alarm.js';
import type { Commands } from './commands.js';
import type { Releases } from './releases.js';
import { count, seconds } from './words.js';

export interface RecycleMeans {
  readonly commands: Pick<Commands, 'status' | 'drain'>;
  readonly releases: Releases;
  readonly note: (level: 'info' | 'warn', text: string) => void;
  /** When it comes next, in milliseconds since 1970. */
  readonly due: (at: number | undefined) => void;
}

/** Returns what ends it. */
export async function openSchedule(
  { schedule = '', timeZone }: Config['recycle'],
  means: RecycleMeans,
): Promise<() => void> {
  const { note, due } = means;
  const times = await readSchedule(schedule, timeZone);
  let timer: NodeJS.Timeout | undefined;
  let underWay: Promise<void> | undefined;
  let at: number | undefined;

  const next = (from: number): void => {
    at = times.after(from);
    due(at);
    wait();
  };
  const wait = (): void => {
    if (at === undefined) return;
    const seen = look(at, Date.now());
    if (seen.type === 'wait') {
      timer = setTimeout(wait, seen.ms);
      return;
    }
    if (seen.type === 'missed')
      note('warn', `the schedule said ${said(at)}, which was ${inWords(seen.byMs)} ago: it is not made up for`);
    else underWay ??= replaceAll(means).finally(() => (underWay = undefined));
    next(resume(at, Date.now()));
  };

  next(Date.now());
  if (at !== undefined) note('info', `every worker will be replaced at ${said(at)} (${schedule})`);
  return () => {
    clearTimeout(timer);
    due(undefined);
  };
}

const said = (at: number): string => new Date(at).toISOString();

/** Whoever is there now, in the order of their slots. */
async function replaceAll({ commands, releases, note }: RecycleMeans): Promise<void> {
  const { state, workers } = commands.status();
  if (state !== 'serving') return note('warn', `the schedule asks for new workers, but the fleet is ${state}: not now`);
  const surge = releases.newest.reload.surge;
  const left = workers.toSorted((one, other) => one.slot - other.slot).map(({ id }) => id);
  note(
    'info',
    `the schedule asks for new workers: ${count(left.length, 'worker')} will be replaced, ${surge} at a time`,
  );
  const began = performance.now();
  let replaced = 0;
  let why: string | undefined;
  const lane = async (): Promise<void> => {
    for (let id = left.shift(); id !== undefined && why === undefined; id = left.shift()) {
      const now = commands.status();
      // A reload, or a stop, replaces it anyway.
      if (now.state === 'reloading' || now.state === 'stopping') why ??= `the fleet is ${now.state}`;
      else if (now.workers.some((one) => one.id === id && (one.phase === 'ready' || one.phase === 'standby'))) {
        const outcome = await commands.drain(id);
        if (outcome.ok) replaced++;
        else why ??= outcome.why;
      }
    }
  };
  await Promise.all(Array.from({ length: surge }, lane));
  const what = `${count(replaced, 'worker')} replaced, as the schedule asked (${seconds(performance.now() - began)})`;
  if (why === undefined) note('info', what);
  else note('warn', `${what}; the others were not: ${why}`);
}
