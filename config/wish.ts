// All that was asked for, by whom, before it is known whether it makes sense.
import { milliseconds } from './duration.js';
import { type Path, type Problem, problem, type Source } from './problem.js';
import { getAt, isTree, merge } from './tree.js';

export interface Wish {
  /** The weakest first: file, environment, flags. */
  readonly sources: readonly Source[];
  /** What they say together. */
  readonly given: unknown;
}

export const wishOf = (sources: readonly Source[]): Wish => ({
  sources,
  given: sources
    .map(({ value }) => value)
    .filter(isTree)
    .reduce<unknown>(merge, {}),
});

/** Who has the last word on a key. */
export const giver = ({ sources }: Wish, path: Path): Source | undefined =>
  sources.findLast(({ value }) => getAt(value, path) !== undefined);

/** A problem with what was given at a path, told to whoever gave it. */
export function blame(wish: Wish, path: Path, says: string): Problem[] {
  const source = giver(wish, path);
  return source === undefined ? [] : [problem(source, path, says)];
}

/** The time at a path; undefined where none was given, or none that could be read. */
export function timeAt({ given }: Wish, ...path: Path): number | undefined {
  const words = getAt(given, path);
  return typeof words === 'string' ? milliseconds(words) : undefined;
}
