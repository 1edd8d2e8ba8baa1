// Trees of settings, as they come out of a file, the environment or the flags, before anyone has checked them.
import type { Path } from './problem.js';

type Tree = Readonly<Record<string, unknown>>;

export const isTree = (value: unknown): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A copy of `tree` with one more value in it. */
export function setAt(tree: unknown, [key, ...rest]: Path, value: unknown): unknown {
  if (key === undefined) return value;
  const here = isTree(tree) ? tree : {};
  return { ...here, [key]: setAt(here[key], rest, value) };
}

/** The value at a path; undefined where there is none. */
export function getAt(tree: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (at, key) =>
      typeof at === 'object' && at !== null && Object.hasOwn(at, key)
        ? (at as Record<string | number, unknown>)[key]
        : undefined,
    tree,
  );
}

/** `over` wins. Objects are merged key by key; lists and all else are replaced whole. */
export function merge(under: unknown, over: unknown): unknown {
  if (over === undefined) return under;
  if (!isTree(under) || !isTree(over)) return over;
  return Object.fromEntries(
    [...new Set([...Object.keys(under), ...Object.keys(over)])].map((key) => [key, merge(under[key], over[key])]),
  );
}

/** A number where the text is one, for whoever checks it to take; else the text, for them to name. */
export const asNumber = (text: string): unknown => (/^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : text);
