// The configuration file: which one it is, and what is in it. It is read in a worker thread with a deadline, so that nothing it
// does can harm this process, and nothing that was needed to read it stays in memory.
import { readdirSync } from 'node:fs';
import { basename, dirname, extname, isAbsolute, join, relative } from 'node:path';
import { Worker } from 'node:worker_threads';
import { inWords } from './duration.js';
import { notReadable } from './paths.js';
import { type Path, placeKey, type Source } from './problem.js';
import type { FromThread } from './read-in-thread.js';

const readable = ['.mjs', '.js', '.cjs', '.json'];
const forms = 'a .mjs, .js, .cjs or .json file';
const largestBytes = 1024 * 1024;
const mostMemoryMb = 512;

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
  const source = (read: FromThread): Source => ({
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
  return source(unreadable === undefined ? await inThread(file, deadlineMs) : broken(unreadable));
}

/** What is missing has no place of its own; what it is missing from has. */
function nearestPlace(places: NonNullable<Extract<FromThread, { type: 'read' }>['places']>, path: Path) {
  for (let length = path.length; length >= 0; length--) {
    const place = places[placeKey(path.slice(0, length))];
    if (place !== undefined) return place;
  }
  return undefined;
}

const broken = (says: string): FromThread => ({ type: 'broken', problems: [{ at: '', says }] });

/** As the operator would write it from where they stand. */
export function shorter(file: string, from: string): string {
  const way = relative(from, file);
  return way.startsWith('..') || isAbsolute(way) || way === '' ? file : way;
}

function inThread(file: string, deadlineMs: number): Promise<FromThread> {
  return new Promise((resolve) => {
    const thread = new Worker(new URL('./read-in-thread.js', import.meta.url), {
      workerData: file,
      argv: [],
      stdout: true,
      resourceLimits: { maxOldGenerationSizeMb: mostMemoryMb },
    });
    // What a configuration prints is for the operator's eyes; stdout is for data.
    thread.stdout.pipe(process.stderr, { end: false });
    const settle = (read: FromThread): void => {
      clearTimeout(timer);
      void thread.terminate();
      resolve(read);
    };
    const timer = setTimeout(
      () => settle(broken(`not read after ${inWords(deadlineMs)}: it never returns, or waits too long`)),
      deadlineMs,
    );
    thread.once('message', (read: FromThread) =>
      settle(read.type === 'unsettled' ? broken('the promise in it never settles') : read),
    );
    thread.once('error', (error) => settle(broken(`threw while it was read: ${firstLine(error)}`)));
    thread.once('exit', (code) =>
      settle(broken(`calls process.exit(${code}); a configuration only says what it wants`)),
    );
  });
}

const firstLine = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message.split('\n')[0]}` : String(error);
