// What a configuration may hold: what JSON can say, and nothing that JSON would change in silence.
import type { Path } from '../problem.js';

export interface Unfit {
  readonly path: Path;
  readonly says: string;
}

export function notData(value: unknown, path: Path, above: readonly unknown[]): Unfit[] {
  if (above.includes(value)) return [{ path, says: 'contains itself' }];
  const kind = unfit(value);
  if (kind !== undefined) return [{ path, says: `expected plain data, got ${kind}` }];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    notData(inner, [...path, Array.isArray(value) ? Number(key) : key], [...above, value]),
  );
}

function unfit(value: unknown): string | undefined {
  if (typeof value === 'function' || typeof value === 'symbol' || typeof value === 'bigint') return `a ${typeof value}`;
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const tag = Object.prototype.toString.call(value).slice('[object '.length, -1);
  return tag === 'Object' ? undefined : `a ${tag}`;
}
