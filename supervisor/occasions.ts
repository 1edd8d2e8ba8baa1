// What makes a change without being asked for: a link that leads to another release, a file of a program that is developed, the
// clock. What watches is loaded only where the configuration wants it.
import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../config/config.js';
import type { Development } from './development.js';
import type { FleetCommands } from './fleet-commands.js';
import type { Releases } from './releases.js';

export interface Means {
  readonly commands: Pick<FleetCommands, 'prepared' | 'reload' | 'status' | 'drain'>;
  /** Resolves when whoever reads the configuration for a reload has done so. */
  readonly asked: () => Promise<unknown>;
  readonly releases: Releases;
  readonly development: Development;
  readonly note: (level: 'info' | 'warn', text: string) => void;
  /** When all workers will be replaced, in milliseconds since 1970. */
  readonly due: (at: number | undefined) => void;
}

/** What is opened where a part of the configuration asks for it, and closed when that says something else. */
interface Occasion {
  readonly part: (config: Config) => unknown;
  readonly open: (config: Config, means: Means) => Promise<() => void>;
}

const occasions: readonly Occasion[] = [
  {
    part: ({ watch }) => watch.release && [watch.release, watch.debounceMs],
    open: async ({ watch: { release = '', debounceMs } }, means) => {
      const known = means.releases.newest.watch.release ?? '';
      const { watchRelease } = await import('../config/watch-release.js');
      const watching = watchRelease(release, known, (to) => void released(release, to, means), {
        settleMs: debounceMs,
        onError: (error) => means.note('warn', `cannot watch ${release}: ${(error as Error).message}`),
      });
      return () => void watching.close();
    },
  },
  {
    part: ({ watch: { program, ...rest } }) => (program ? { ...rest, release: undefined } : undefined),
    open: (config, { development }) => development.open(config),
  },
  {
    part: ({ recycle }) => recycle.schedule && recycle,
    open: async ({ recycle }, means) => {
      const { openSchedule } = await import('./recycle.js');
      return openSchedule(recycle, means);
    },
  },
];

/** Whoever switched the link may have asked for the reload as well. */
async function released(link: string, to: string, { commands, releases, note, asked }: Means): Promise<void> {
  await asked();
  await commands.prepared;
  if (releases.newest.watch.release === to) return;
  note('info', `${link} leads to ${to} now: reload`);
  await commands.reload({});
}

export class Occasions {
  readonly #means: Means;
  readonly #open = new Map<Occasion, { readonly part: unknown; readonly closed: AbortController }>();

  constructor(means: Means) {
    this.#means = means;
  }

  /** From now on as this configuration says. */
  follow(config: Config): void {
    for (const occasion of occasions) {
      const part = occasion.part(config);
      const open = this.#open.get(occasion);
      if (isDeepStrictEqual(part, open?.part)) continue;
      open?.closed.abort();
      this.#open.delete(occasion);
      if (part !== undefined) this.#begin(occasion, part, config);
    }
  }

  close(): void {
    for (const { closed } of this.#open.values()) closed.abort();
    this.#open.clear();
  }

  #begin(occasion: Occasion, part: unknown, config: Config): void {
    const closed = new AbortController();
    this.#open.set(occasion, { part, closed });
    const opened = occasion.open(config, this.#means);
    closed.signal.addEventListener('abort', () => void opened.then((close) => close()));
    opened.catch((error: Error) => this.#means.note('warn', `nothing is watched: ${error.message}`));
  }
}
