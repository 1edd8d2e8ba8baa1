// What a key of pm2's can become: the forms that need more than a line. Each looks at one value, and at the others where they
// change its meaning.
import type { Path } from '../problem.js';
import { isTree } from '../tree.js';
import { isOn, numberOf, timeOf, wordsOf } from './values.js';

/** An app as it was written: each value under pm2's first name for its key, with the name that was used. */
export type App = Readonly<Record<string, { readonly written: string; readonly held: unknown }>>;

export interface Outcome {
  /** What it becomes in cordon's configuration. */
  readonly set?: readonly (readonly [path: Path, value: unknown])[];
  /** What is different, or why it is left out; the rest of a sentence that begins with the key. */
  readonly note?: string | undefined;
  /** Why it cannot be run. */
  readonly problem?: string;
}

export type Rule = (held: unknown, app: App, key: string) => Outcome;

export const becomes =
  (...path: Path): ((value: unknown) => Outcome) =>
  (value) => ({ set: [[path, value]] });
/** It is so anyway. */
export const anyway: Rule = () => ({});
export const leftOut =
  (why: string): Rule =>
  () => ({ note: `is not taken over: ${why}` });
/** Off is how it is anyway; on is not offered. */
export const onlyOff =
  (why: string): Rule =>
  (held) =>
    isOff(held) ? {} : leftOut(why)(held, {}, '');
export const onlyOn =
  (why: string): Rule =>
  (held) =>
    isOff(held) ? leftOut(why)(held, {}, '') : {};
export const isOff = (held: unknown): boolean =>
  held === false || held === 'false' || held === 0 || held === '' || (Array.isArray(held) && held.length === 0);

/** Programs that pm2 finds on the PATH, and files that are for others than node. */
const foreign = /^(?![./]?[^/]*\.[cm]?[jt]sx?$)[^/]*$|\.(?:sh|bash|py|rb|pl|php|coffee|ls|exe|jar)$/;

export const script: Rule = (held) => {
  const file = String(held);
  if (!foreign.test(file)) return { set: [[['script'], file]] };
  const example = /^(?:npm|pnpm|yarn|bun|npx)$/.test(file)
    ? 'the file that its script starts'
    : 'a file that node runs';
  return { problem: `expected ${example}, such as ./server.js, got ${JSON.stringify(file)}` };
};

export const interpreter: Rule = (held) => {
  const name = String(held);
  if (/^(?:.*\/)?node(?:js)?$/.test(name)) {
    return name.includes('/')
      ? { note: `is not taken over: workers run on the node that runs cordon (${name} was asked for)` }
      : {};
  }
  return {
    problem: `expected node, got ${JSON.stringify(name)}; cordon runs programs of node only, on the node that runs it`,
  };
};

export const instances: Rule = (held) => {
  if (held === 'max') return becomes('workers')('max');
  const number = numberOf(held);
  if (number === undefined) return { problem: `expected a whole number or "max", got ${JSON.stringify(held)}` };
  return becomes('workers')(number > 0 ? number : number === 0 ? 'max' : `max${number}`);
};

export const execMode: Rule = (held, app) => {
  if (/^cluster(?:_mode)?$/.test(String(held))) return {};
  if (!/^fork(?:_mode)?$/.test(String(held))) {
    return { problem: `expected "cluster" or "fork", got ${JSON.stringify(held)}` };
  }
  const { set = [] } = byDefault(app);
  const note = 'becomes a fleet as any other: `cluster.isWorker` is true in it';
  return { set, note: set.length === 0 ? note : `${note}, and it counts as ready once it has started; ${better}` };
};

const better = 'for a server that listens, `ready.on: "listening"` is better';

/** In fork mode pm2 takes a program for running as soon as it is started. One that is given a port will listen. */
export function byDefault(app: App): Outcome {
  const env = app['env']?.held;
  const port = app['port'] !== undefined || (isTree(env) && Object.hasOwn(env, 'PORT'));
  if (port || isOn(app['wait_ready']?.held)) return {};
  return {
    set: [[['ready', 'on'], 'start']],
    note: `a worker counts as ready once it has started, as in pm2's fork mode; ${better}`,
  };
}

export const nodeArgs: Rule = (_held, app) => {
  const words = wordsOf(app['node_args']?.held ?? []);
  const maps = isOn(app['source_map_support']?.held) && !words.includes('--enable-source-maps');
  const all = maps ? [...words, '--enable-source-maps'] : words;
  return all.length === 0 ? {} : { set: [[['nodeArgs'], all]] };
};

export const name: Rule = (held) => {
  const given = String(held);
  const fit =
    given
      .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
      .replace(/^[^A-Za-z0-9]+/, '')
      .slice(0, 63) || 'app';
  return { set: [[['name'], fit]], note: fit === given ? undefined : `becomes ${fit}: a name is part of paths` };
};

export const variables =
  (path: string): Rule =>
  (held) => {
    if (!isTree(held)) return { note: 'is not taken over: expected an object of names and values' };
    const entries = Object.entries(held).filter(([, value]) => value !== null);
    const plain = entries.filter(([, value]) => typeof value !== 'object');
    const odd = entries.filter(([, value]) => typeof value === 'object').map(([variable]) => variable);
    const note = odd.length === 0 ? undefined : `is taken over without ${odd.join(', ')}: a variable is a text`;
    return { set: plain.map(([variable, value]) => [[path, variable], value]), note };
  };

export const time =
  (...paths: readonly Path[]): Rule =>
  (held) => {
    const words = timeOf(held);
    if (words === undefined) return { note: 'is not taken over: expected milliseconds' };
    return { set: paths.map((path) => [path, words]) };
  };

/** pm2's K, M and G are powers of 1024; a number is one of bytes. */
export const memoryLimit: Rule = (held) => {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)\s*([KMG]?)B?$/i.exec(String(held).trim()) ?? [];
  if (number === undefined) return { note: 'is not taken over: expected a size such as "300M"' };
  return becomes('limits', 'memory')(`${number}${unit === '' ? 'B' : `${unit.toUpperCase()}iB`}`);
};

export const listenTimeout: Rule = (held, app, key) =>
  numberOf(held) === 0
    ? { note: 'is not taken over: expected a time longer than 0' }
    : {
        ...time(['ready', 'timeout'])(held, app, key),
        note: 'becomes `ready.timeout`, whose end counts as a failure, not as ready',
      };

export const restartDelay: Rule = (held, app) => {
  const words = timeOf(held);
  if (words === undefined) return { note: 'is not taken over: expected milliseconds' };
  if (numberOf(held) === 0) return {};
  if (app['exp_backoff_restart_delay'] !== undefined) {
    return { note: 'is not taken over: `exp_backoff_restart_delay` says how long the waits are' };
  }
  return {
    set: [[['restart', 'backoff'], { min: words, max: words, factor: 1, jitter: 0 }]],
    note: 'becomes `restart.backoff`, which holds from the second failure in a row; the first successor starts at once',
  };
};

export const growingDelay: Rule = (held) => {
  const ms = numberOf(held);
  if (ms === undefined || ms < 0) return { note: 'is not taken over: expected milliseconds' };
  if (ms === 0) return {};
  const max = timeOf(Math.max(15_000, ms));
  return { set: [[['restart', 'backoff'], { min: timeOf(ms), max, factor: 1.5 }]] };
};
