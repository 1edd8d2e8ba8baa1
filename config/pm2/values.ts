// The forms in which pm2 takes numbers, times and lists.

export const listOf = (given: unknown): readonly unknown[] => (Array.isArray(given) ? given : [given]);

/** A whole number, also as a text; undefined where it is none. */
export function numberOf(given: unknown): number | undefined {
  const number = typeof given === 'string' && given.trim() !== '' ? Number(given) : given;
  return typeof number === 'number' && Number.isInteger(number) ? number : undefined;
}

/** Milliseconds, or a number with `s`, `m` or `h`, as a time of cordon's; undefined where it is none. */
export function timeOf(given: unknown): string | undefined {
  if (typeof given === 'string' && /^\d+(?:ms|[smh])$/.test(given.trim())) return given.trim();
  const ms = numberOf(given);
  if (ms === undefined || ms < 0) return undefined;
  return ms % 1_000 === 0 && ms > 0 ? `${ms / 1_000}s` : `${ms}ms`;
}

/** What is on, in the ways in which pm2's users write it. */
export const isOn = (given: unknown): boolean =>
  given === true || given === 'true' || (typeof given === 'number' && given !== 0);

/** A list of words; a text is split as a shell does it, with quotes and without anything filled in. */
export function wordsOf(given: unknown): string[] {
  if (Array.isArray(given)) return given.map(String);
  const words = String(given).matchAll(/(?:"((?:\\.|[^"\\])*)"|'([^']*)'|((?:\\.|[^\s"'\\])+))+/g);
  return [...words].map(([word]) =>
    word.replaceAll(/"((?:\\.|[^"\\])*)"|'([^']*)'|\\(.)/g, (_, double?: string, single?: string, escaped?: string) =>
      double === undefined ? (single ?? escaped ?? '') : double.replaceAll(/\\(["\\$`])/g, '$1'),
    ),
  );
}
