// What each generation runs: a configuration, and the files as they were when it began. A worker that is started again runs what its
// generation did, though `current` points to another release by then.
import { realpathSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import type { Config } from '../config/config.js';
import { type Environment, inherited } from './environment.js';
import { asIn } from './rollback.js';
import type { Fleet } from './state.js';

/** Its script and its working directory are free of symbolic links. */
export interface Release extends Config {
  /** What its workers have beneath their own variables. */
  readonly inherited: Environment;
}

export class Releases {
  readonly #known = new Map<number, Release>();
  #newest = 0;
  /** The generation that serves, and the last one before it that ran something else. */
  #serving = 1;
  #former: number | undefined;

  /** Returns its generation. */
  add(config: Config, environment = inherited()): number {
    this.#known.set(++this.#newest, resolved(config, environment));
    return this.#newest;
  }

  /** What changes at once, in a generation that runs already. Its files stay what they were. */
  amend(generation: number, config: Config): void {
    const { script, cwd, watch, inherited: beneath } = this.of(generation);
    const release = config.watch.release && (watch.release ?? real(config.watch.release));
    this.#known.set(generation, { ...config, script, cwd, watch: { ...config.watch, release }, inherited: beneath });
  }

  /** What `add` would return. */
  get next(): number {
    return this.#newest + 1;
  }

  get newest(): Release {
    return this.of(this.#newest);
  }

  of(generation: number): Release {
    const release = this.#known.get(generation);
    if (release === undefined) throw new Error(`cordon: generation ${generation} is not known`);
    return release;
  }

  /** What served before, and was something else. */
  get former(): { readonly generation: number; readonly release: Release } | undefined {
    const release = this.#former === undefined ? undefined : this.#known.get(this.#former);
    return release && { generation: this.#former ?? 0, release };
  }

  /** To run the same once more is no step that could be taken back. */
  #succeed(generation: number): void {
    const [before, after] = [this.#known.get(this.#serving), this.of(generation)];
    const same = before && isDeepStrictEqual({ ...asIn(before, after), inherited: before.inherited }, after);
    if (before && !same) this.#former = this.#serving;
    this.#serving = generation;
  }

  /** Forgets what no worker runs, and none will, but for what may be gone back to. */
  prune({ generation, slots, workers, reload }: Fleet): void {
    if (generation !== this.#serving) this.#succeed(generation);
    const used = new Set([
      this.#former,
      generation,
      reload?.generation,
      ...[...slots, ...workers].map((one) => one.generation),
    ]);
    for (const known of this.#known.keys()) if (!used.has(known) && known !== this.#newest) this.#known.delete(known);
  }
}

/** As the links lead now. */
export const resolved = (config: Config, environment: Environment): Release => ({
  ...config,
  inherited: environment,
  script: real(config.script),
  cwd: real(config.cwd),
  watch: { ...config.watch, release: config.watch.release && real(config.watch.release) },
});

/** A path that is gone is told of by the worker that cannot be started. */
function real(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
