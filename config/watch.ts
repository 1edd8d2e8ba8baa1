// Tells when a configuration file says something else. Its folder is watched, and every folder on the way in which a link decides
// where it is: so an editor's rename, a switched link and the `..data` of Kubernetes are seen. Content decides, not events, so
// each of them is told once.
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isBeingWritten } from './being-written.js';
import { watchWay } from './watch-way.js';

export interface Watching {
  /** Resolves once every change is seen. */
  readonly ready: Promise<void>;
  /**
   * Whether the file still says what was told last. What was read from it meanwhile may be half of something else where it does
   * not: throw it away, the next change is on its way.
   */
  readonly isCurrent: () => Promise<boolean>;
  readonly close: () => Promise<void>;
}

export interface WatchOptions {
  /** How long a file must have been quiet before it is taken for whole. Default: 150 ms. */
  readonly settleMs?: number;
  /** Who holds a file open for writing has not finished it, unless it takes longer than this. Default: 10 s. */
  readonly patienceMs?: number;
  /** Told of what keeps the watcher from seeing. Default: nobody. */
  readonly onError?: (error: unknown) => void;
}

/**
 * Tells of every change after this call: watch first, then load. A file that is missing says nothing: who removes it changes
 * nothing.
 */
export function watchConfig(file: string, onChange: () => void, options: WatchOptions = {}): Watching {
  const { settleMs = 150, patienceMs = 10_000, onError = () => undefined } = options;
  // At once, so that whoever loads the file after this call misses nothing.
  let known = contentNow(file);
  let timer: NodeJS.Timeout | undefined;
  let patientUntil: number | undefined;
  let looking = false;
  let closed = false;
  const soon = (): void => {
    if (closed) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      // One look at a time: two that see the same change would both tell it.
      if (looking) return soon();
      looking = true;
      void look()
        .catch(onError)
        .finally(() => (looking = false));
    }, settleMs);
  };

  async function look(): Promise<void> {
    way.follow();
    const now = await contentOf(file);
    if (closed || now === undefined || known?.equals(now)) {
      patientUntil = undefined;
      return;
    }
    // That it is closed is no event of its own.
    patientUntil ??= performance.now() + patienceMs;
    if (performance.now() < patientUntil && (await isBeingWritten(file))) return soon();
    // It may have changed while that was found out.
    if (!(await contentOf(file))?.equals(now)) return soon();
    patientUntil = undefined;
    if (closed) return;
    known = now;
    onChange();
  }

  const way = watchWay(file, soon, onError);
  const ready = way.ready.then(soon);

  return {
    ready,
    isCurrent: async () => {
      const now = await contentOf(file);
      return now !== undefined && known !== undefined && known.equals(now);
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      await way.close();
    },
  };
}

function contentNow(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}

async function contentOf(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch {
    return undefined;
  }
}
