// From everything that was asked for to the Config of each app, or to the whole list of what is wrong. Defaults give way to the
// file, the file to the environment, the environment to the flags.
import { basename, resolve } from 'node:path';
import { appsOf, entangled } from './apps.js';
import { contradictions, fitted, misfits, misplaced } from './check.js';
import type { Config } from './config.js';
import { environmentSource, modeOf } from './environment.js';
import { ExitCode, OperatorError } from './exit-code.js';
import { findConfigs, isPm2Name, readConfig } from './file.js';
import { startOrder } from './order.js';
import { misspeltMode, overlaid } from './overlay.js';
import { type Problem, problem, refusal, type Source } from './problem.js';
import { misscheduled } from './schedule.js';
import { nameOf, type Surroundings, settle } from './settle.js';
import { getAt, isTree } from './tree.js';
import { fetchVariables } from './variables.js';
import { type Wish, wishOf } from './wish.js';

/** What the command line knows, and what it runs in. */
export interface Asked extends Surroundings {
  /** The configuration file; without one, the `cordon.config.*` of this folder, if there is one. */
  readonly file: string | undefined;
  readonly flags: Source;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Which overlays are used, and what functions get as `mode`. Default: `CORDON_MODE`, else `NODE_ENV`. */
  readonly mode?: string | undefined;
  /** The apps to load of a file that has several, with commas between them. Default: all. */
  readonly only?: string | undefined;
  /** How long a configuration may take to be read. Default: 10 s. */
  readonly deadlineMs?: number;
}

export interface Loaded {
  /** In the order in which they start. At least one. */
  readonly apps: readonly Config[];
  /** What was read. Absolute; undefined where there was no file. */
  readonly file: string | undefined;
  /** What of pm2's file was not taken over, a sentence each. */
  readonly notes: readonly string[];
}

/** The only one, for what takes no more. Throws an OperatorError where there are several. */
export function oneOf({ apps }: Loaded, named: boolean): Config {
  const [app, another] = apps;
  if (app !== undefined && another === undefined) return app;
  const names = apps.map(({ name }) => name).join(', ');
  throw new OperatorError(
    `expected one app, got ${names}; choose one with --only`,
    named ? ExitCode.usage : ExitCode.badConfig,
  );
}

/** Throws an OperatorError that names every problem. */
export async function loadApps(asked: Asked): Promise<Loaded> {
  const { mode = modeOf(asked.environment) } = asked;
  const { found, problems: unclear } = await fileSource({ ...asked, mode });
  const around = [environmentSource(asked.environment, asked.folder), asked.flags];
  const { list, problems: misshapen } = found === undefined ? { list: undefined, problems: [] } : appsOf(found.source);
  const parts = list ?? (found === undefined ? [] : [found.source]);
  const drafts = (found === undefined ? [undefined] : parts).map((part) => draft(part, around, mode, asked));
  const whole = found === undefined ? [] : [found.source];
  const problems = [
    ...unclear,
    ...[...whole, ...around].flatMap(({ problems: own }) => own),
    ...misshapen,
    ...around.flatMap(misfits),
    ...drafts.flatMap(({ problems: own }) => own),
    ...(await Promise.all(drafts.map(({ wish }) => misscheduled(wish)))).flat(),
    ...misspeltMode(parts, mode, asked.flags),
    ...(unclear.length > 0 ? [] : drafts.flatMap(({ missing }) => missing)),
  ];
  const named = drafts.flatMap(({ wish, part }) =>
    part === undefined ? [] : [{ config: outline(wish), source: part }],
  );
  problems.push(...entangled(named));
  if (problems.length > 0) throw refusal(problems);
  const apps = startOrder(drafts.map(({ wish, env, secrets }) => settle(wish, { env, secrets }, asked)));
  return { apps: chosen(apps, asked.only), file: found?.file, notes: found?.notes ?? [] };
}

interface Draft {
  readonly part: Source | undefined;
  readonly wish: Wish;
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
  readonly problems: readonly Problem[];
  /** That there is no script: not said where what could not be read may have named it. */
  readonly missing: readonly Problem[];
}

/** One app, with all that is wrong with it by itself. */
function draft(part: Source | undefined, around: readonly Source[], mode: string | undefined, asked: Asked): Draft {
  const { used, idle } = part === undefined ? { used: [], idle: [] } : overlaid(fitted(part), mode);
  const sources = [...used, ...around];
  const wish = wishOf(sources);
  const wrong = [...used, ...idle].flatMap(misfits);
  const { env, secrets, problems: unfetched } = fetchVariables(wish, asked.environment, asked.folder);
  const readable = sources.every(({ value }) => isTree(value));
  return {
    part,
    wish,
    env,
    secrets,
    problems: [...wrong, ...contradictions(wish), ...misplaced(wish), ...unfetched],
    missing: readable && getAt(wish.given, ['script']) === undefined ? [scriptless(part)] : [],
  };
}

const text = (value: unknown): value is string => typeof value === 'string';

/** What other apps know of one, as far as it can be told before everything is known to be right. */
function outline({ given }: Wish): Pick<Config, 'name' | 'after'> {
  const [name, script, after] = ['name', 'script', 'after'].map((key) => getAt(given, [key]));
  return {
    name: text(name) ? name : nameOf(text(script) ? script : ''),
    after: Array.isArray(after) ? after.filter(text) : [],
  };
}

interface Found {
  readonly source: Source;
  readonly file: string;
  readonly notes: readonly string[];
}

async function fileSource(
  asked: Asked & { mode: string | undefined },
): Promise<{ found: Found | undefined; problems: Problem[] }> {
  const { file: named, folder, deadlineMs = 10_000, environment, mode } = asked;
  const [file, another] = named === undefined ? findConfigs(folder) : [resolve(folder, named)];
  if (file === undefined) return { found: undefined, problems: [] };
  if (another !== undefined) {
    const says = `${folder}: more than one configuration (${basename(file)}, ${basename(another)}); keep one, or name one with --config`;
    return { found: undefined, problems: [{ origin: 'file', says }] };
  }
  const pm2 = isPm2Name(file);
  const source = await readConfig(file, { folder, deadlineMs, environment, mode, pm2 });
  const { converted, notes } = pm2 ? await fromPm2Source(source) : { converted: source, notes: [] };
  return { found: { source: converted, file, notes }, problems: [] };
}

/** What pm2's file says, as if it had been written for cordon. */
async function fromPm2Source(source: Source): Promise<{ converted: Source; notes: readonly string[] }> {
  if (source.value === undefined) return { converted: source, notes: [] };
  const { fromPm2 } = await import('./pm2/convert.js');
  const { value, notes, problems } = fromPm2(source.value);
  const called = source.place([], 'value');
  const told = problems.map((says) => ({ origin: source.origin, says: `${called}: ${says}` }));
  const converted = {
    ...source,
    value: problems.length === 0 ? value : undefined,
    problems: [...source.problems, ...told],
  };
  return { converted, notes: notes.map((note) => `${called}: ${note}`) };
}

function chosen(apps: readonly Config[], only: string | undefined): readonly Config[] {
  if (only === undefined) return apps;
  const wanted = only.split(',').map((name) => name.trim());
  const strange = wanted.find((name) => !apps.some((app) => app.name === name));
  if (strange === undefined) return apps.filter(({ name }) => wanted.includes(name));
  const names = apps.map(({ name }) => name).join(', ');
  throw refusal([{ origin: 'flags', says: `--only: no app is called ${strange}; known here: ${names}` }]);
}

function scriptless(file: Source | undefined): Problem {
  if (file !== undefined) return problem(file, ['script'], 'missing; say which script to run, such as "./server.js"');
  const says = 'nothing to run: name a script, as in `cordon start server.js`, or write a cordon.config.mjs that does';
  return { origin: 'flags', says };
}
