// A program that is developed: a change of its files makes a reload, told in one line with its time. Its workers tell what they
// load, in the way in which Node's own watch mode has it told.
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config/config.js';
import type { ReloadOutcome } from './commands.js';
import type { Releases } from './releases.js';
import { count, seconds } from './words.js';

/** Node tells its parent each module that it loads where this is set. */
export const REPORT_VARIABLE = 'WATCH_REPORT_DEPENDENCIES';

/** So many modules are told one by one: they are taken in together. */
const GATHER_MS = 20;

const own = fileURLToPath(new URL('..', import.meta.url));

/** The files that a message of Node's tells of; none where it is another one. */
export function modulesIn(message: unknown): string[] {
  if (typeof message !== 'object' || message === null) return [];
  const { 'watch:require': required = [], 'watch:import': imported = [] } = message as Record<string, unknown[]>;
  return [...required, ...imported].flatMap((name) => {
    const file = typeof name === 'string' && name.startsWith('file:') ? fileURLToPath(name) : name;
    return typeof file === 'string' && file.startsWith('/') && !file.startsWith(own) ? [file] : [];
  });
}

export interface DevelopmentMeans {
  /** The same configuration once more, with the files as they are now. */
  readonly again: () => Promise<ReloadOutcome>;
  readonly releases: Releases;
  /** Whether any worker serves. */
  readonly serves: () => boolean;
  readonly note: (level: 'info' | 'warn', text: string) => void;
  /** What a reload does step by step is not told any more. */
  readonly quieten: () => void;
  /** Where the book of errors is kept. */
  readonly book: string;
}

export class Development {
  readonly #means: DevelopmentMeans;
  /** When each was first loaded, by `Date.now()`. */
  readonly #files = new Map<string, number>();
  #gathered: string[] = [];
  #add: ((files: readonly string[]) => void) | undefined;
  #latest = 0;
  #failed = false;

  constructor(means: DevelopmentMeans) {
    this.#means = means;
  }

  /** Modules that a worker has loaded. */
  loaded(files: readonly string[]): void {
    if (files.length === 0) return;
    const now = Date.now();
    for (const file of files) if (!this.#files.has(file)) this.#files.set(file, now);
    const isFirst = this.#gathered.length === 0;
    this.#gathered.push(...files);
    if (isFirst) setTimeout(() => this.#add?.(this.#gathered.splice(0)), GATHER_MS).unref();
  }

  async open({ script, watch: { paths, ignore, debounceMs } }: Config): Promise<() => void> {
    const { note, serves, book, releases } = this.#means;
    const root = releases.newest.cwd;
    const { watchProgram } = await import('../config/watch-program.js');
    const watching = watchProgram(
      {
        root,
        paths,
        files: [script, releases.newest.script, ...this.#files.keys()],
        loadedAt: (file) => this.#files.get(file),
        ignore: [...ignore, book],
      },
      (files) =>
        void this.#changed(
          files.map((file) => relative(root, file)),
          debounceMs,
        ),
      {
        debounceMs,
        isWary: () => this.#failed || !serves(),
        onError: ({ message }) => note('warn', `not all files of the program are watched: ${message}`),
      },
    );
    this.#add = (more) => watching.add(more);
    return () => {
      this.#add = undefined;
      watching.close();
    };
  }

  async #changed([first = '', ...more]: readonly string[], debounceMs: number): Promise<void> {
    const { again, note, quieten } = this.#means;
    const since = performance.now() - debounceMs;
    const turn = ++this.#latest;
    quieten();
    const outcome = await again();
    // A later change has taken its place, and will be told of.
    if (turn !== this.#latest) return;
    this.#failed = !outcome.ok;
    const what = `${first}${more.length === 0 ? '' : ` and ${count(more.length, 'other file')}`} changed`;
    const took = seconds(performance.now() - since);
    if (outcome.ok) note('info', `${what}: reloaded in ${took}`);
    else note('warn', `${what}: ${outcome.why}; the old code serves on (${took})`);
  }
}
