// `env.production` in the manner of pm2: variables that are added in one mode. They stand beside `env`, not in it, so that a
// slip in `env` is never taken for the name of a mode.
import { type Path, type Problem, partOf, problem, type Source } from './problem.js';
import { nearest } from './suggest.js';
import { isTree } from './tree.js';

const overlay = /^env\.(.+)$/;

export interface Overlaid {
  /** The source without its overlays, and after it the one of this mode. */
  readonly used: readonly Source[];
  /** Overlays of other modes: of no effect now, and still to be checked. */
  readonly idle: readonly Source[];
}

/** Takes a source apart. Most have no overlay. */
export function overlaid(source: Source, mode: string | undefined): Overlaid {
  const { value } = source;
  if (!isTree(value)) return { used: [source], idle: [] };
  const keys = Object.keys(value).filter((key) => overlay.test(key));
  if (keys.length === 0) return { used: [source], idle: [] };
  const rest = Object.fromEntries(Object.entries(value).filter(([key]) => !keys.includes(key)));
  const part = (key: string): Source =>
    partOf(source, { env: value[key] }, ([first, ...path]: Path) => (first === undefined ? [] : [key, ...path]));
  const used = keys.filter((key) => key === `env.${mode}`).map(part);
  return { used: [{ ...source, value: rest }, ...used], idle: keys.filter((key) => key !== `env.${mode}`).map(part) };
}

/** A mode that was asked for, is nobody's, and is one slip away from one that is there. */
export function misspeltMode(sources: readonly Source[], mode: string | undefined, asked: Source): Problem[] {
  const modes = sources.flatMap(({ value }) =>
    isTree(value) ? Object.keys(value).flatMap((key) => overlay.exec(key)?.[1] ?? []) : [],
  );
  if (mode === undefined || modes.includes(mode)) return [];
  const near = nearest(mode, modes);
  return near === undefined ? [] : [problem(asked, ['mode'], `nothing is called ${mode} here, did you mean ${near}?`)];
}
