// Sizes in words, '512MB', and in bytes. The only file that knows a unit of memory. Decimal and binary units are told apart, as
// systemd and Docker's documents do not always do.

const unitBytes = { B: 1, kB: 1000, KB: 1000, MB: 1e6, GB: 1e9, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;
type Unit = keyof typeof unitBytes;

/** What a size looks like: a number and its unit, always both. */
export const size = /^(\d+(?:\.\d+)?) ?(B|kB|KB|MB|GB|KiB|MiB|GiB)$/;

/** In whole bytes; undefined where `text` is no size. */
export function bytes(text: string): number | undefined {
  const [, number, unit] = size.exec(text) ?? [];
  if (number === undefined || unit === undefined) return undefined;
  return Math.round(Number(number) * unitBytes[unit as Unit]);
}

/** Rounded, as the log says it. */
export function sizeInWords(count: number): string {
  const unit = (['GB', 'MB', 'kB'] as const).find((candidate) => count >= unitBytes[candidate]) ?? 'B';
  return `${Number((count / unitBytes[unit]).toFixed(unit === 'GB' ? 2 : 0))}${unit}`;
}
