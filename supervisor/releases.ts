// What each generation runs: a configuration, and the files as they were when it began. A worker that is started again runs what its
// generation did, though `current` points to another release by then.
import { realpathSync } from 'node:fs';
import type { Config } from '../config/config.js';
import { type Environment, inherited } from './environment.js';
import type { Fleet } from './state.js';

/** Its script and its working directory are free of symbolic links. */
export interface Release extends Config {
  /** What its workers have beneath their own variables. */
  readonly inherited: Environment;
}

export class Releases {
  readonly #known = new Map<number, Release>();
  #newest = 0;

  /** Returns its generation. Paths are resolved now. */
  add(config: Config, environment = inherited()): number {
    this.#known.set(++this.#newest, {
      ...config,
      script: real(config.script),
      cwd: real(config.cwd),
      inherited: environment,
    });
    return this.#newest;
  }

  get newest(): Release {
    return this.of(this.#newest);
  }

  of(generation: number): Release {
    const release = this.#known.get(generation);
    if (release === undefined) throw new Error(`cordon: generation ${generation} is not known`);
    return release;
  }

  /** Forgets what no worker runs, and none will. */
  prune({ generation, slots, workers, reload }: Fleet): void {
    const used = new Set([generation, reload?.generation, ...[...slots, ...workers].map((one) => one.generation)]);
    for (const known of this.#known.keys()) if (!used.has(known) && known !== this.#newest) this.#known.delete(known);
  }
}

/** A path that is gone is told of by the worker that cannot be started. */
function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
