// Something the operator has to mend, and where. All that were found are told at once.
import { ExitCode, OperatorError } from './exit-code.js';

/** The keys that lead to a value; a number is a place in a list. */
export type Path = readonly (string | number)[];

/** Where settings come from. What is wrong with a flag is wrong usage, the rest is a bad configuration. */
export type Origin = 'file' | 'environment' | 'flags';

export interface Problem {
  readonly origin: Origin;
  /** A whole sentence: where, what, expected, got, what to do. One line. */
  readonly says: string;
}

/** The tree of settings that one origin gives, as it was written. */
export interface Source {
  readonly origin: Origin;
  readonly value: unknown;
  /** Where relative paths in it begin. Absolute. */
  readonly folder: string;
  /** What was wrong with it before anyone looked at its keys. */
  readonly problems: readonly Problem[];
  /** What the operator looks for: a flag, a variable, a file with the line and column of a key or its value. */
  place(path: Path, of: 'key' | 'value'): string;
  /** Where this is a part of a whole: the path that leads there in the whole. */
  within?(path: Path): Path;
  /** Whether a value was filled in from the environment: it may be a secret, and is not shown. Or could not be, which is told. */
  filled?(path: Path): 'filled' | 'failed' | undefined;
}

/** The path as the operator wrote it. */
export const written = (source: Source, path: Path): Path => source.within?.(path) ?? path;

/** A part of what a source says, as a source of its own; places and names in it stay those of the whole. */
export function partOf(source: Source, value: unknown, inner: (path: Path) => Path): Source {
  return {
    ...source,
    value,
    problems: [],
    place: (path, of) => source.place(inner(path), of),
    within: (path) => written(source, inner(path)),
    filled: (path) => source.filled?.(inner(path)),
  };
}

export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Of each key and value, under its `placeKey`. */
export type Places = Readonly<Record<string, { readonly key: Place; readonly value: Place }>>;

/** A path as the key of a table. */
export const placeKey = (path: Path): string => JSON.stringify(path);

/** `restart.backoff.min`, `listen[0]`. */
export const dotted = (path: Path): string =>
  path.map((key, i) => (typeof key === 'number' ? `[${key}]` : i === 0 ? key : `.${key}`)).join('');

/** A flag and a variable name what they set; a file has to be told the key as well. */
export function problem(source: Source, path: Path, says: string): Problem {
  const whole = written(source, path);
  const key = source.origin === 'file' && whole.length > 0 ? ` \`${dotted(whole)}\`:` : '';
  return { origin: source.origin, says: `${source.place(path, 'value')}:${key} ${says}` };
}

const origins: readonly Origin[] = ['file', 'environment', 'flags'];

/** One error for the whole list; a file's problems from its first line to its last. */
export function refusal(problems: readonly Problem[]): OperatorError {
  const usage = problems.every(({ origin }) => origin === 'flags');
  const sentences = origins.flatMap((origin) =>
    problems
      .filter((one) => one.origin === origin)
      .map(({ says }) => says)
      .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true })),
  );
  return new OperatorError([...new Set(sentences)].join('\n'), usage ? ExitCode.usage : ExitCode.badConfig);
}
