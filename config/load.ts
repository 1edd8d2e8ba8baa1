// From everything that was asked for to one Config, or to the whole list of what is wrong with it. Defaults give way to the
// file, the file to the environment, the environment to the flags.
import { basename, resolve } from 'node:path';
import { contradictions, misfits, misplaced } from './check.js';
import type { Config } from './config.js';
import { environmentSource } from './environment.js';
import { findConfigs, readConfig } from './file.js';
import { type Problem, problem, refusal, type Source } from './problem.js';
import { type Surroundings, settle } from './settle.js';
import { getAt, isTree } from './tree.js';
import { wishOf } from './wish.js';

/** What the command line knows, and what it runs in. */
export interface Asked extends Surroundings {
  /** The configuration file; without one, the `cordon.config.*` of this folder, if there is one. */
  readonly file: string | undefined;
  readonly flags: Source;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** How long a configuration may take to be read. Default: 10 s. */
  readonly deadlineMs?: number;
}

/** Throws an OperatorError that names every problem. */
export async function load(asked: Asked): Promise<Config> {
  const { sources: files, problems: unclear } = await fileSources(asked);
  const sources = [...files, environmentSource(asked.environment, asked.folder), asked.flags];
  const wish = wishOf(sources);
  const problems = [
    ...unclear,
    ...sources.flatMap(({ problems: found }) => found),
    ...sources.flatMap(misfits),
    ...contradictions(wish),
    ...misplaced(wish),
  ];
  // What could not be read may have named it.
  const readable = unclear.length === 0 && sources.every(({ value }) => isTree(value));
  if (readable && getAt(wish.given, ['script']) === undefined) problems.push(scriptless(files[0]));
  if (problems.length > 0) throw refusal(problems);
  return settle(wish, asked);
}

async function fileSources(asked: Asked): Promise<{ sources: Source[]; problems: Problem[] }> {
  const { file, folder, deadlineMs = 10_000 } = asked;
  const [found, another] = file === undefined ? findConfigs(folder) : [resolve(folder, file)];
  if (found === undefined) return { sources: [], problems: [] };
  if (another === undefined) return { sources: [await readConfig(found, folder, deadlineMs)], problems: [] };
  const says = `${folder}: more than one configuration (${basename(found)}, ${basename(another)}); keep one, or name one with --config`;
  return { sources: [], problems: [{ origin: 'file', says }] };
}

function scriptless(file: Source | undefined): Problem {
  if (file !== undefined) return problem(file, ['script'], 'missing; say which script to run, such as "./server.js"');
  const says = 'nothing to run: name a script, as in `cordon start server.js`, or write a cordon.config.mjs that does';
  return { origin: 'flags', says };
}
