// Tells when a program's own files change, for development. Folders are watched, not files: of 5,000 files in 100 folders the
// kernel then keeps 100 watches, and this process next to nothing (a watch for each file costs it some 10 KB).
import { type FSWatcher, readdirSync, statSync, watch } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';

export interface ProgramFiles {
  /** The project: of what is in it, only what is beneath counts as a dot-directory or a log. Absolute. */
  readonly root: string;
  /** Modules that the program has loaded. Absolute; those in node_modules are left out. */
  readonly files?: readonly string[];
  /**
   * When one of them was loaded, by `Date.now()`: what has been written since, and before anybody watched, has changed. Default: it has
   * not.
   */
  readonly loadedAt?: (file: string) => number | undefined;
  /** Files and folders beside them; a folder with all that is in it, now or later. From the root. */
  readonly paths?: readonly string[];
  /** Files and folders that never count. From the root. */
  readonly ignore?: readonly string[];
}

export interface ProgramWatching {
  /** More modules, as new code has loaded them. Those that are watched already cost nothing. */
  add(files: readonly string[]): void;
  close(): void;
}

export interface ProgramWatchOptions {
  /** How long everything must have been quiet: one save, or one checkout, is one change. Default: 150 ms. */
  readonly debounceMs?: number;
  /** Whether any source beside a watched file counts: what does not start may lack a file that nobody could load. Default: no. */
  readonly isWary?: () => boolean;
  /** Told of a folder that cannot be watched, for want of watches or of permission. Default: nobody. */
  readonly onError?: (error: Error) => void;
}

/** `onChange` gets the changed files, each once, sorted. */
export function watchProgram(
  program: ProgramFiles,
  onChange: (files: readonly string[]) => void,
  { debounceMs = 150, isWary = () => false, onError = () => undefined }: ProgramWatchOptions = {},
): ProgramWatching {
  const watchers = new Map<string, { readonly watcher: FSWatcher; readonly identity: string }>();
  const files = new Set<string>();
  /** Folders in which everything counts. */
  const whole = new Set<string>();
  const changed = new Set<string>();
  const isIgnored = ignores(program);
  let timer: NodeJS.Timeout | undefined;

  function changedAt(path: string, inWhole: boolean): void {
    if (isIgnored(path)) return;
    if (inWhole && isFolder(path)) return enter(path, true);
    if (!inWhole && !files.has(path) && !(source.test(path) && isWary())) return;
    changed.add(path);
    clearTimeout(timer);
    timer = setTimeout(() => {
      const told = [...changed].toSorted();
      changed.clear();
      onChange(told);
    }, debounceMs);
  }

  function watchFolder(folder: string): void {
    const identity = identityOf(folder);
    const known = watchers.get(folder);
    // Removed and made again, a folder is another one.
    if (identity === undefined || known?.identity === identity) return;
    known?.watcher.close();
    try {
      const watcher = watch(folder, (_event, name) => {
        if (name !== null) changedAt(join(folder, name), whole.has(folder));
        if (identityOf(folder) === undefined) forget(folder);
      });
      watcher.on('error', onError);
      watchers.set(folder, { watcher, identity });
    } catch (error) {
      onError(error as Error);
    }
  }

  function forget(folder: string): void {
    watchers.get(folder)?.watcher.close();
    watchers.delete(folder);
  }

  /** A folder with all that is beneath it. What is in a new one was written before it was watched. */
  function enter(folder: string, isNew: boolean): void {
    whole.add(folder);
    watchFolder(folder);
    for (const entry of entriesOf(folder)) {
      const path = join(folder, entry.name);
      if (isIgnored(path)) continue;
      if (entry.isDirectory()) enter(path, isNew);
      else if (isNew) changedAt(path, true);
    }
  }

  function add(more: readonly string[]): void {
    const counted = more.filter((file) => !isIgnored(file));
    const fresh = counted.filter((file) => !files.has(file));
    for (const file of fresh) files.add(file);
    for (const folder of new Set(counted.map((file) => dirname(file)))) watchFolder(folder);
    for (const file of fresh) if (writtenAt(file) > (program.loadedAt?.(file) ?? Infinity)) changedAt(file, false);
  }

  for (const given of program.paths ?? []) {
    const path = resolve(program.root, given);
    if (isFolder(path)) enter(path, false);
    else add([path]);
  }
  add(program.files ?? []);

  return {
    add,
    close() {
      clearTimeout(timer);
      for (const { watcher } of watchers.values()) watcher.close();
      watchers.clear();
    },
  };
}

const source = /\.(?:[cm]?[jt]sx?|json|node|wasm)$/;

/** What a program writes, or did not write itself: packages, dot-files, logs, and what is named. */
function ignores({ root, ignore = [] }: ProgramFiles): (path: string) => boolean {
  const named = ignore.map((path) => resolve(root, path));
  return (path) => {
    const parts = relative(root, path).split(sep);
    return (
      parts.some((part) => part === 'node_modules' || (part.startsWith('.') && part !== '..')) ||
      parts.slice(0, -1).includes('logs') ||
      /\.log(?:\.\d+)?$|~$/.test(path) ||
      named.some((one) => path === one || path.startsWith(one + sep))
    );
  };
}

const entriesOf = (folder: string) => {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
};

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
const writtenAt = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** An inode may be given again at once; the time of birth tells the two apart. */
function identityOf(path: string): string | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? undefined : `${stats.ino} ${stats.birthtimeMs}`;
}
