// How severe a line is and when it was written, whichever way a program's own logger says so.

export const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;
export type Level = (typeof LEVELS)[number];

/** What syslog, winston and others call them. */
const OTHER_NAMES: Readonly<Record<string, Level>> = {
  silly: 'trace',
  verbose: 'debug',
  http: 'debug',
  log: 'info',
  notice: 'info',
  warning: 'warn',
  err: 'error',
  critical: 'fatal',
  crit: 'fatal',
  alert: 'fatal',
  emerg: 'fatal',
};

/** pino's and bunyan's numbers, or a name. */
export function levelOf(said: unknown): Level {
  if (typeof said === 'number') return LEVELS[Math.min(5, Math.max(0, Math.floor(said / 10) - 1))] ?? 'info';
  if (typeof said !== 'string') return 'info';
  const name = said.toLowerCase();
  return LEVELS.find((level) => level === name) ?? OTHER_NAMES[name] ?? 'info';
}

/** Milliseconds since 1970, from a date or a number of milliseconds or seconds; NaN where it is neither. */
export function momentOf(said: unknown): number {
  if (typeof said === 'string') return Date.parse(said);
  if (typeof said !== 'number') return Number.NaN;
  return said < 1e11 ? said * 1000 : said;
}
