// `control.watchConfig`: the configuration is read again by itself when it says something else. The watcher is loaded where it is
// wanted, and nowhere else.
import type { Config } from '../../config/config.js';
import type { Watching } from '../../config/watch.js';

/** What has changed, to whoever reads it. */
export interface Question {
  /** The file is read from now on: a later change is another one. */
  begin(): void;
  /** Nothing else has been written since: what was read is whole. */
  isCurrent(): Promise<boolean>;
}

export interface Means {
  /** Brings in what has changed. */
  readonly changed: (question: Question) => Promise<void>;
  readonly blind: (why: string) => void;
}

export class FileWatch {
  readonly #file: string | undefined;
  readonly #means: Means;
  #watching: Promise<Watching> | undefined;
  /** A change is to be read; what changes until then is read with it. */
  #isDue = false;
  #changes = 0;

  /** Nothing is watched where there is no file. */
  constructor(file: string | undefined, means: Means) {
    this.#file = file;
    this.#means = means;
  }

  /** Watches from now on, or no longer, as these say. */
  follow(configs: readonly Pick<Config, 'control'>[]): void {
    const isWanted = configs.some(({ control }) => control.watchConfig);
    if (!isWanted) return this.close();
    if (this.#file === undefined || this.#watching) return;
    const watching = this.#watch(this.#file);
    watching.catch((error: unknown) => this.#means.blind(wordsOf(error)));
    this.#watching = watching;
  }

  close(): void {
    const watching = this.#watching;
    this.#watching = undefined;
    void watching?.then((one) => one.close()).catch(() => {});
  }

  async #watch(file: string): Promise<Watching> {
    const { watchConfig } = await import('../../config/watch.js');
    const watching = watchConfig(file, () => this.#changed(), {
      onError: (error) => this.#means.blind(wordsOf(error)),
    });
    // What was written since it was first read, and before anybody watched, is no change to the watcher.
    this.#changed();
    return watching;
  }

  #changed(): void {
    this.#changes++;
    if (this.#isDue) return;
    this.#isDue = true;
    let at = 0;
    const begin = (): void => {
      this.#isDue = false;
      at = this.#changes;
    };
    const isCurrent = async (): Promise<boolean> => {
      const watching = await this.#watching;
      return watching === undefined || ((await watching.isCurrent()) && at === this.#changes);
    };
    void this.#means.changed({ begin, isCurrent });
  }
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
