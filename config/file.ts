// The configuration file: which one it is, and what is in it. It is read in a process of its own with a deadline, so that
// nothing it does can harm this one, and nothing that was needed to read it stays in memory.
import { fork } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, extname, isAbsolute, join, relative } from 'node:path';
import { expand } from './expand.js';
import { notReadable } from './paths.js';
import { type Path, type Places, placeKey, type Source } from './problem.js';
import { broken, type Reading, type ToReader } from './reading/reading.js';
import { getAt } from './tree.js';

const readable = ['.ts', '.mts', '.cts', '.mjs', '.js', '.cjs', '.json', '.yaml', '.yml'];
const forms = 'a .ts, .mts, .mjs, .js, .cjs, .json, .yaml or .yml file';
const largestBytes = 1024 * 1024;
/** The reading process keeps the deadline; this much later it is taken to be stuck itself. */
const graceMs = 60_000;

/** Node warns that it strips types and guesses a module's form; the operator asked for both. */
const quiet = ['--disable-warning=ExperimentalWarning', '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON'];

/** Whether an argument names a configuration, and not a script: every data file, and `api.config.js` in any language. */
export const isConfigName = (name: string): boolean =>
  /\.(?:json5?|ya?ml|toml)$/.test(name) || /\.config\.[cm]?[jt]s$/.test(basename(name)) || isPm2Dump(name);

/** Whether a file is called as pm2's are: `ecosystem.config.js`, `process.json`, `~/.pm2/dump.pm2`. */
export const isPm2Name = (name: string): boolean =>
  isPm2Dump(name) ||
  /^(?:ecosystem|pm2|process(?:es)?)(?:\.[\w-]+)*?\.(?:config\.[cm]?js|json5?|ya?ml)$/.test(basename(name));

const isPm2Dump = (name: string): boolean => /^dump\.pm2(?:\.bak)?$/.test(basename(name));

/**
 * Every `cordon.config.*` in a folder, those that cannot be read too, so that none is passed over in silence, and package.json
 * where it has a key `cordon`.
 */
export function findConfigs(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter(
        (name) => /^cordon\.config\.[a-z]+$/.test(name) || (name === 'package.json' && hasKey(join(folder, name))),
      )
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

function hasKey(manifest: string): boolean {
  try {
    return getAt(JSON.parse(readFileSync(manifest, 'utf8')), ['cordon']) !== undefined;
  } catch {
    // Not ours to complain about: npm will.
    return false;
  }
}

/** How a configuration is read. */
export interface Circumstances {
  /** Where the operator stands; the file is called as seen from there. Absolute. */
  readonly folder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly mode: string | undefined;
  readonly deadlineMs: number;
  /** Whether it is read as pm2's, and left as it is. */
  readonly pm2?: boolean;
}

/** Never throws, and always comes to an end: what is wrong with the file comes back in `problems`. */
export async function readConfig(file: string, circumstances: Circumstances): Promise<Source> {
  const { folder, environment, mode, deadlineMs, pm2 = false } = circumstances;
  const called = shorter(file, folder);
  const unreadable =
    readable.includes(extname(file)) || pm2
      ? notReadable(file, largestBytes)
      : `this version cannot read it; expected ${forms}`;
  const reading =
    unreadable === undefined ? await readApart({ file, environment, mode, deadlineMs, pm2 }) : broken(unreadable);
  const source: Source = { origin: 'file', value: undefined, folder: dirname(file), problems: [], place: () => called };
  if (reading.type === 'broken') {
    const problems = reading.problems.map(({ at, says }) => ({
      origin: 'file' as const,
      says: `${called}${at}: ${says}`,
    }));
    return { ...source, problems };
  }
  const { value, places } = reading;
  // What is code has its own way to the environment.
  if (places === undefined) return { ...source, value };
  return expand(
    {
      ...source,
      value,
      place(path, of) {
        const place = nearestPlace(places, path);
        return place === undefined ? called : `${called}:${place[of].line}:${place[of].column}`;
      },
    },
    environment,
  );
}

/** What is missing has no place of its own; what it is missing from has. */
function nearestPlace(places: Places, path: Path) {
  for (let length = path.length; length >= 0; length--) {
    const place = places[placeKey(path.slice(0, length))];
    if (place !== undefined) return place;
  }
  return undefined;
}

/** As the operator would write it from where they stand. */
function shorter(file: string, from: string): string {
  const way = relative(from, file);
  return way.startsWith('..') || isAbsolute(way) || way === '' ? file : way;
}

/** In a process of its own, which is gone when this is done. */
function readApart(asked: ToReader): Promise<Reading> {
  return new Promise((resolve) => {
    // What a configuration prints is for the operator's eyes; stdout is for data.
    const reader = fork(new URL('./reading/apart.js', import.meta.url), {
      stdio: ['ignore', 2, 2, 'ipc'],
      execArgv: quiet,
    });
    const settle = (reading: Reading): void => {
      clearTimeout(timer);
      reader.kill('SIGKILL');
      resolve(reading);
    };
    const timer = setTimeout(() => settle(broken('the process that reads it hangs')), asked.deadlineMs + graceMs);
    reader.once('message', (reading) => settle(reading as Reading));
    reader.once('error', (error) => settle(broken(`could not be read in a process of its own: ${error.message}`)));
    reader.once('exit', (code, signal) =>
      settle(broken(`ends the process that reads it (${signal ?? `exit code ${code}`})`)),
    );
    reader.send(asked);
  });
}
