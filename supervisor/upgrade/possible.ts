// Whether this process may be followed by another, and how the other is started.
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** What is known of this process and its place. */
export interface Place {
  readonly pid: number;
  readonly ppid: number;
  /** The name of process 1, as the kernel has it. */
  readonly init: string;
}

/** Small programs that start one child, and end when it does. */
const SHELLS_OF_ONE = new Set(['tini', 'docker-init', 'dumb-init', 'catatonit', 'podman-init']);

/** Why a supervisor cannot be replaced here, as a sentence; nothing where it can. */
export function obstacle({ pid, ppid, init }: Place): string | undefined {
  const end = 'and the container ends with it. Start a new container from the new image instead';
  if (pid === 1) return `this supervisor is the first process of its container, ${end}`;
  if (ppid === 1 && SHELLS_OF_ONE.has(init)) return `${init} waits for this very process, ${end}`;
  return undefined;
}

export function here(): Place {
  let init = '';
  try {
    init = readFileSync('/proc/1/comm', 'utf8').trim();
  } catch {
    // No /proc: nothing is known of process 1.
  }
  return { pid: process.pid, ppid: process.ppid, init };
}

/** Whether this process may go there. */
export function wayTo(folder: string): 'open' | 'closed' | 'gone' {
  try {
    accessSync(folder, constants.X_OK);
    return 'open';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? 'closed' : 'gone';
  }
}

/**
 * A file below the folder that this process stands in, below the one that the same name leads to now: `current` may be another
 * release by now, with another cordon in it. Any other file is what it is.
 */
export function again(file: string, stood: string, folder: string): string {
  const within = path.relative(stood, file);
  const found = path.join(folder, within);
  return within.startsWith('..') || path.isAbsolute(within) || !existsSync(found) ? file : found;
}

/**
 * The node that would run this command if it were typed again now: a version manager may have moved on. `argv0` is what was typed;
 * a name without a folder is looked for as a shell does.
 */
export function nodeOf(argv0: string, searched: string | undefined, fallback: string, folder: string): string {
  const candidates = argv0.includes('/')
    ? [path.resolve(folder, argv0)]
    : (searched ?? '')
        .split(path.delimiter)
        .filter((entry) => path.isAbsolute(entry))
        .map((entry) => path.join(entry, argv0));
  return candidates.find(isExecutable) ?? fallback;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
