// pm2's ecosystem file as a configuration of cordon. Pure. Every key of an app is taken over, means what happens anyway, or is
// told with the reason why it is left out; what cannot be run at all is a problem.
import { join } from 'node:path';
import { nearest } from '../suggest.js';
import { isTree, setAt } from '../tree.js';
import { fromDump, isDump } from './dump.js';
import { type App, byDefault, type Outcome } from './outcomes.js';
import { aliases, rules } from './rules.js';
import { listOf } from './values.js';

export interface Converted {
  /** `{ apps: […] }` as it could stand in a file of cordon's. */
  readonly value: { readonly apps: readonly Readonly<Record<string, unknown>>[] };
  /** Sentences about what is not taken over, and about what changes its meaning. */
  readonly notes: readonly string[];
  /** Apps that cannot be run, which are left out of `value`. */
  readonly problems: readonly string[];
}

export function fromPm2(given: unknown): Converted {
  const notes: string[] = [];
  const problems: string[] = [];
  const { list, around } = isDump(given) ? fromDump(given) : appsIn(given);
  notes.push(...around);
  const apps = list.flatMap((app, i) => {
    if (!isTree(app)) {
      problems.push(`apps[${i}]: expected an object`);
      return [];
    }
    const converted = convert(app);
    const { name } = converted.value;
    const called = typeof name === 'string' ? name : `apps[${i}]`;
    problems.push(...converted.problems.map((problem) => `${called}: ${problem}`));
    if (converted.problems.length > 0) return [];
    notes.push(...converted.notes.map((note) => `${called}: ${note}`));
    return [converted.value];
  });
  return { value: { apps }, notes: notes.map(oneLine), problems: problems.map(oneLine) };
}

const oneLine = (words: string): string => words.replace(/\s+/g, ' ');

/** A list, one app, or an object that holds either as `apps`. */
function appsIn(given: unknown): { list: readonly unknown[]; around: string[] } {
  if (!isTree(given)) return { list: listOf(given), around: [] };
  if (!Object.hasOwn(given, 'apps')) return { list: [given], around: [] };
  const around = Object.keys(given)
    .filter((key) => key !== 'apps')
    .map((key) =>
      key === 'deploy'
        ? '`deploy` is not taken over: cordon runs servers, and leaves copying them to what you deploy with'
        : `\`${key}\` is not taken over: nothing of pm2's is called so`,
    );
  return { list: listOf(given['apps']), around };
}

interface ConvertedApp {
  readonly value: Readonly<Record<string, unknown>>;
  readonly notes: readonly string[];
  readonly problems: readonly string[];
}

function convert(given: Readonly<Record<string, unknown>>): ConvertedApp {
  const notes: string[] = [];
  const problems: string[] = [];
  const app = namedAsPm2Does(given, notes);
  let value: unknown = { workers: 1 };
  for (const [key, { written, held }] of Object.entries(app)) {
    const { set = [], note, problem } = outcomeOf(key, held, app);
    for (const [path, what] of set) value = setAt(value, path, what);
    if (note !== undefined) notes.push(`\`${written}\` ${note}`);
    if (problem !== undefined) problems.push(`\`${written}\`: ${problem}`);
  }
  if (app['exec_mode'] === undefined && app['instances'] === undefined) {
    // pm2's fork mode is what one says by saying nothing.
    const { set = [], note } = byDefault(app);
    for (const [path, what] of set) value = setAt(value, path, what);
    if (note !== undefined) notes.push(note);
  }
  const { name, script, cwd, ...rest } = { ...(value as Record<string, unknown>) };
  if (script === undefined && problems.length === 0) problems.push('`script` is missing');
  // pm2 looks for the script in `cwd`, cordon beside the file.
  const inside = typeof cwd === 'string' && typeof script === 'string' && !script.startsWith('/');
  const where = { script: inside ? join(cwd, script) : script, ...(cwd === undefined ? {} : { cwd }) };
  return { value: { ...(name === undefined ? {} : { name }), ...where, ...rest }, notes, problems };
}

/** Every key under the name that pm2 gives it first: it takes each in several spellings. */
function namedAsPm2Does(given: Readonly<Record<string, unknown>>, notes: string[]): App {
  const app: Record<string, { written: string; held: unknown }> = Object.create(null) as object as never;
  for (const [written, held] of Object.entries(given)) {
    if (held === undefined || held === null) continue;
    const snake = written.replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const key = Object.hasOwn(rules, written) ? written : (aliases.get(written) ?? aliases.get(snake) ?? snake);
    const other = app[key];
    if (other === undefined) app[key] = { written, held };
    else notes.push(`\`${written}\` is not taken over: \`${other.written}\` says the same`);
  }
  return app;
}

function outcomeOf(key: string, held: unknown, app: App): Outcome {
  const rule = Object.hasOwn(rules, key) ? rules[key] : key.startsWith('env_') ? rules['env_*'] : undefined;
  if (rule !== undefined) return rule(held, app, key);
  const near = nearest(key, Object.keys(rules));
  return { note: `is not taken over: pm2 has no such key${near === undefined ? '' : `, did you mean \`${near}\`?`}` };
}
