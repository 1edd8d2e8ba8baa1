// Times in words, '30s', and in milliseconds. The only file that knows a unit of time.

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
type Unit = keyof typeof unitMs;

/** What a time looks like: a number and its unit, always both. A bare number would leave the unit in the reader's head. */
export const duration = /^(\d+(?:\.\d+)?) ?(ms|s|m|h|d)$/;

/** The longest a timer of Node can wait, just under 25 days. A longer one would fire at once. */
export const longestMs = 2 ** 31 - 1;

/** In whole milliseconds; undefined where `text` is no time. */
export function milliseconds(text: string): number | undefined {
  const [, number, unit] = duration.exec(text) ?? [];
  if (number === undefined || unit === undefined) return undefined;
  return Math.round(Number(number) * unitMs[unit as Unit]);
}

/** In the largest unit that says it exactly. */
export function inWords(ms: number): string {
  const unit = (['d', 'h', 'm', 's'] as const).find((candidate) => ms > 0 && ms % unitMs[candidate] === 0) ?? 'ms';
  return `${ms / unitMs[unit]}${unit}`;
}
