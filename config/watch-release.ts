// Tells when a symbolic link leads elsewhere, as `current` does after a deployment. Where it leads decides, not events, so that a
// switch is told once, whatever it is made of: `ln -sfn`, a rename, the `..data` of Kubernetes.
import { realpathSync } from 'node:fs';
import { watchWay } from './watch-way.js';

export interface ReleaseWatching {
  readonly ready: Promise<void>;
  readonly close: () => Promise<void>;
}

export interface ReleaseWatchOptions {
  /** How long nothing must have happened on the way. Default: 150 ms. */
  readonly settleMs?: number;
  /** Told of what keeps the watcher from seeing. Default: nobody. */
  readonly onError?: (error: unknown) => void;
}

/** `known` is where it led when whoever wants to know last looked. A link that is gone, or leads nowhere, says nothing. */
export function watchRelease(
  link: string,
  known: string,
  onSwitch: (to: string) => void,
  { settleMs = 150, onError = () => undefined }: ReleaseWatchOptions = {},
): ReleaseWatching {
  let last = leadsTo(known) ?? known;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  const soon = (): void => {
    if (closed) return;
    clearTimeout(timer);
    timer = setTimeout(look, settleMs);
  };
  const way = watchWay(link, soon, onError);

  function look(): void {
    way.follow();
    const now = leadsTo(link);
    if (now === undefined || now === last) return;
    last = now;
    onSwitch(now);
  }

  return {
    // It may have been switched before anyone watched.
    ready: way.ready.then(soon),
    close() {
      closed = true;
      clearTimeout(timer);
      return way.close();
    },
  };
}

function leadsTo(link: string): string | undefined {
  try {
    return realpathSync(link);
  } catch {
    return undefined;
  }
}
