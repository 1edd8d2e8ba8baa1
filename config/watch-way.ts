// Watches where a path leads: its folder, and every folder on the way in which a link decides that. Whoever hears that something
// happened there looks for themselves what it is.
import { type FSWatcher, watch } from 'chokidar';
import { wayTo } from './way.js';

export interface WayWatching {
  /** Resolves once everything is seen. */
  readonly ready: Promise<void>;
  /** Another link may lead through other folders: those are watched from now on. To be called at each change. */
  readonly follow: () => void;
  readonly close: () => Promise<void>;
}

export function watchWay(path: string, changed: () => void, onError: (error: unknown) => void): WayWatching {
  let way = wayTo(path);
  const watcher: FSWatcher = watch([...way.folders], {
    depth: 0,
    followSymlinks: false,
    ignoreInitial: true,
    atomic: false,
    ignored: (at) => !way.folders.has(at) && !way.names.has(at),
  });
  watcher.on('all', changed).on('error', onError);

  return {
    ready: new Promise<void>((resolve) => watcher.once('ready', resolve)),
    follow() {
      const before = way.folders;
      way = wayTo(path);
      const gone = [...before].filter((folder) => !way.folders.has(folder));
      const fresh = [...way.folders].filter((folder) => !before.has(folder));
      if (gone.length > 0) watcher.unwatch(gone);
      // What changed before they are watched is seen by looking once more.
      if (fresh.length > 0) {
        watcher.add(fresh);
        changed();
      }
    },
    close: () => watcher.close(),
  };
}
