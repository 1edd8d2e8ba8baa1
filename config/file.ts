// The configuration file: which one it is, and what is in it. It is read in a process of its own with a deadline, so that
// nothing it does can harm this one, and nothing that was needed to read it stays in memory.
import { fork } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename, dirname, extname, isAbsolute, join, relative } from 'node:path';
import { notReadable } from './paths.js';
import { type Path, placeKey, type Source } from './problem.js';
import { broken, type Reading, type ToReader } from './reading.js';

const readable = ['.mjs', '.js', '.cjs', '.json'];
const forms = 'a .mjs, .js, .cjs or .json file';
const largestBytes = 1024 * 1024;
/** The reading process keeps the deadline; this much later it is taken to be stuck itself. */
const graceMs = 10_000;

/** Whether an argument names a configuration, and not a script: every JSON file, and `api.config.js` in any language. */
export const isConfigName = (name: string): boolean =>
  /\.(?:json|ya?ml|toml)$/.test(name) || /\.config\.[cm]?[jt]s$/.test(basename(name));

/** Every `cordon.config.*` in a folder, those that cannot be read too, so that none is passed over in silence. */
export function findConfigs(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => /^cordon\.config\.[a-z]+$/.test(name))
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

/** Never throws, never takes longer than the deadline: what is wrong with the file comes back in `problems`. */
export async function readConfig(file: string, from: string, deadlineMs: number): Promise<Source> {
  const called = shorter(file, from);
  const source = (read: Reading): Source => ({
    origin: 'file',
    value: read.type === 'read' ? read.value : undefined,
    folder: dirname(file),
    problems:
      read.type === 'broken'
        ? read.problems.map(({ at, says }) => ({ origin: 'file', says: `${called}${at}: ${says}` }))
        : [],
    place(path, of) {
      const place = read.type === 'read' && read.places !== undefined ? nearestPlace(read.places, path) : undefined;
      return place === undefined ? called : `${called}:${place[of].line}:${place[of].column}`;
    },
  });
  const unreadable = readable.includes(extname(file))
    ? notReadable(file, largestBytes)
    : `this version cannot read it; expected ${forms}`;
  return source(unreadable === undefined ? await readApart(file, deadlineMs) : broken(unreadable));
}

/** What is missing has no place of its own; what it is missing from has. */
function nearestPlace(places: NonNullable<Extract<Reading, { type: 'read' }>['places']>, path: Path) {
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
function readApart(file: string, deadlineMs: number): Promise<Reading> {
  return new Promise((resolve) => {
    // What a configuration prints is for the operator's eyes; stdout is for data.
    const reader = fork(new URL('./read-apart.js', import.meta.url), { stdio: ['ignore', 2, 2, 'ipc'], execArgv: [] });
    const settle = (reading: Reading): void => {
      clearTimeout(timer);
      reader.kill('SIGKILL');
      resolve(reading);
    };
    const timer = setTimeout(() => settle(broken('the process that reads it hangs')), deadlineMs + graceMs);
    reader.once('message', (reading) => settle(reading as Reading));
    reader.once('error', (error) => settle(broken(`could not be read in a process of its own: ${error.message}`)));
    reader.once('exit', (code, signal) =>
      settle(broken(`ends the process that reads it (${signal ?? `exit code ${code}`})`)),
    );
    reader.send({ file, deadlineMs } satisfies ToReader);
  });
}
