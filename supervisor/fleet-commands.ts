// The commands of `commands.ts`, carried out: each becomes a fact that the machine is told, and an answer read from its turns.
import type { Config } from '../config/config.js';
import { type Changing, progressOf, settles } from './change.js';
import type {
  Commands,
  Outcome,
  Progress,
  Refusal,
  ReloadAsk,
  ReloadOutcome,
  ScaleOutcome,
  UpgradeOutcome,
} from './commands.js';
import { become, handedOver, inherited } from './environment.js';
import type { Means } from './fleet-means.js';
import { whyNot } from './narrate-change.js';
import { planOf } from './policy.js';
import { ending, refusal } from './refusal.js';
import { find, isServing } from './state.js';
import { type FleetStatus, stateOf, workerStatus } from './status.js';
import type { Observer } from './supervisor.js';
import type { Scale } from './upgrade/protocol.js';
import { scaled } from './upgrade/scale.js';

type Turn = Parameters<Observer>;
const MOST_WORKERS = 1024;
const startedAt = Date.now() - Math.round(performance.now());

export class FleetCommands implements Commands {
  readonly #means: Means;
  readonly #watching = new Set<(turn: Turn) => void>();
  readonly #listeners = new Set<(line: Progress) => void>();
  #config: Config;
  /** Of the generation that was asked for last. */
  #tried: Config | undefined;
  #changing: Changing | undefined;
  #reading: Promise<unknown> = Promise.resolve();

  constructor(means: Means) {
    this.#means = means;
    this.#config = means.config;
  }

  readonly observe: Observer = (...turn) => {
    this.#means.releases.prune(turn[2]);
    for (const look of this.#watching) look(turn);
    if (this.#changing) this.#tellProgress(this.#changing);
  };

  status(): FleetStatus {
    const { version, supervisor, history, particulars } = this.#means;
    const { fleet } = supervisor;
    return {
      name: this.#config.name,
      script: this.#config.script,
      pid: process.pid,
      version,
      node: process.versions.node,
      since: startedAt,
      state: this.#means.leaving() ? 'stopping' : stateOf(fleet),
      generation: fleet.generation,
      size: fleet.size,
      standby: fleet.slots.length - fleet.size,
      serving: fleet.workers.filter(isServing).length,
      slots: fleet.slots.map((_, slot) => ({ slot, ...history.of(slot) })),
      workers: fleet.workers.map((worker) => workerStatus(worker, particulars(worker.id))),
    };
  }

  async reload(ask: ReloadAsk): Promise<ReloadOutcome> {
    const begun = await this.#renewed((config, generation) => {
      const ended = this.#until(([, , , effects]) => {
        for (const effect of effects) if (effect.type === 'reloaded' && effect.generation === generation) return effect;
        return undefined;
      });
      this.#means.supervisor.tell({ type: 'reload-asked', generation, plan: planOf(config, ask) });
      return { config, generation, ended };
    }, ask.env && handedOver(ask.env));
    if ('why' in begun) return { ...begun, generation: this.#means.supervisor.fleet.generation, lastWords: [] };
    const { config, generation, ended } = begun;
    const { failure } = await this.#change(generation, ended);
    if (failure !== undefined) this.#unpin(config);
    if (failure === undefined) {
      this.#adopt(config);
      if (ask.env) become(handedOver(ask.env));
      return { ok: true, generation };
    }
    if (failure.type === 'stopped') return { ...ending(this.#means.standing()), generation, lastWords: [] };
    const lastWords = 'worker' in failure ? await this.#means.lastWords(failure.worker) : [];
    return { ok: false, generation, why: whyNot(failure), lastWords };
  }

  async restart(): Promise<Outcome> {
    const begun = await this.#renewed((config, generation) => {
      this.#adopt(config);
      this.#means.supervisor.tell({ type: 'restart-asked', generation });
      return { ended: this.#settled(), generation };
    });
    return 'why' in begun ? begun : this.#ended(await this.#change(begun.generation, begun.ended));
  }

  async scale(to: { readonly to: number } | { readonly by: number }): Promise<ScaleOutcome> {
    const { supervisor } = this.#means;
    const { size: from, slots, generation } = supervisor.fleet;
    const size = 'to' in to ? to.to : from + to.by;
    const refused = this.#refusal();
    if (refused) return refused;
    if (!Number.isInteger(size) || size < 1 || size > MOST_WORKERS)
      return { ok: false, why: `expected from 1 to ${MOST_WORKERS} workers, got ${size}` };
    supervisor.tell({ type: 'scale-asked', size, standby: slots.length - from });
    const outcome = this.#ended(await this.#change(generation, this.#settled()));
    return outcome.ok ? { ok: true, from, to: size } : outcome;
  }

  async drain(id: number): Promise<Outcome> {
    const { supervisor } = this.#means;
    const { fleet } = supervisor;
    const worker = find(fleet, id);
    const refused = this.#refusal();
    if (refused) return refused;
    if (worker === undefined) {
      const there = fleet.workers.map((one) => one.id).join(', ');
      return { ok: false, why: `there is no worker ${id}; there are ${there || 'none'}` };
    }
    if (worker.phase === 'booting') return { ok: false, why: `worker ${id} is booting` };
    if (worker.phase === 'draining' || worker.phase === 'killing')
      return { ok: false, why: `worker ${id} is on its way out already` };
    const gone = this.#until<Outcome>((turn) => {
      if (find(turn[2], id) === undefined) return { ok: true };
      const settled = settles(turn, worker.slot);
      return settled?.ok === false ? settled : undefined;
    });
    supervisor.tell({ type: 'recycle-asked', id });
    return this.#ended(await gone);
  }

  /** What a turn says of a fleet that ends, in the words of its process. */
  #ended(outcome: Outcome): Outcome {
    return !outcome.ok && outcome.became === 'stopping' ? ending(this.#means.standing()) : outcome;
  }

  #refusal(): Refusal | undefined {
    return refusal(this.#means.supervisor.fleet, this.#means.standing());
  }

  upgrade(): Promise<UpgradeOutcome> {
    return this.#means.upgrade();
  }

  async stop({ now }: { readonly now: boolean }): Promise<void> {
    this.#means.stop(now);
    await this.#means.stopped;
  }

  progress(listener: (line: Progress) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  scaleNow(): Scale {
    const { size, slots } = this.#means.supervisor.fleet;
    const { workers, standby } = this.#config;
    return { size, standby: slots.length - size, configured: { workers, standby } };
  }

  /** One reading after the other, so that the last who asked is the last who is heard. */
  #renewed<T>(begin: (config: Config, generation: number) => T, environment = inherited()): Promise<T | Refusal> {
    const renewed = this.#reading.then(async () => {
      const { reread, pin, releases, refused } = this.#means;
      let config: Config | undefined;
      try {
        config = await reread(environment);
        await pin(this.#beyond(config, [this.#config]));
        const refusing = this.#refusal();
        if (refusing) {
          this.#unpin(config);
          refused(refusing.why);
          return refusing;
        }
        this.#tried = config;
        return begin(config, releases.add(config, environment));
      } catch (error) {
        if (config) this.#unpin(config);
        if (!(error instanceof Error) || error.name !== 'OperatorError') throw error;
        refused(error.message);
        return { ok: false, why: error.message } as const;
      }
    });
    this.#reading = renewed.catch(() => {});
    return renewed;
  }

  /** What this configuration listens on, and none of these does. */
  #beyond({ listen }: Config, others: readonly Config[]): Config['listen'] {
    const known = new Set(others.flatMap((other) => other.listen.map((address) => JSON.stringify(address))));
    return listen.filter((address) => !known.has(JSON.stringify(address)));
  }

  /** What was bound for a generation that came to nothing, unless a later one that is tried wants it, too. */
  #unpin(config: Config): void {
    const others = this.#tried && this.#tried !== config ? [this.#config, this.#tried] : [this.#config];
    this.#means.unpin(this.#beyond(config, others));
  }

  /** What holds for the whole fleet follows the generation that it runs; a size that was asked for since stays where the configuration says the same. */
  #adopt(config: Config): void {
    const { supervisor, policyOf } = this.#means;
    const { size, standby } = scaled(config, this.scaleNow());
    this.#config = config;
    supervisor.follow(policyOf(config));
    const { fleet } = supervisor;
    if (fleet.size === size && fleet.slots.length === size + standby) return;
    supervisor.tell({ type: 'scale-asked', size, standby });
  }

  /** Resolves to the first answer that a turn gives. */
  #until<T>(answer: (turn: Turn) => T | undefined): Promise<T> {
    return new Promise((resolve) => {
      const look = (turn: Turn): void => {
        const found = answer(turn);
        if (found === undefined) return;
        this.#watching.delete(look);
        resolve(found);
      };
      this.#watching.add(look);
    });
  }

  #settled(): Promise<Outcome> {
    const { fleet } = this.#means.supervisor;
    const nothing: Turn = [{ type: 'time-passed' }, fleet, fleet, [], 0];
    const at = settles(nothing);
    return at ? Promise.resolve(at) : this.#until((turn) => settles(turn));
  }

  async #change<T>(generation: number, ended: Promise<T>): Promise<T> {
    const changing = { generation, since: performance.now(), told: '' };
    this.#changing = changing;
    this.#tellProgress(changing);
    try {
      return await ended;
    } finally {
      if (this.#changing === changing) this.#changing = undefined;
    }
  }

  #tellProgress(changing: Changing): void {
    if (this.#listeners.size === 0) return;
    const line = progressOf(this.#means.supervisor.fleet, changing, performance.now());
    if (line.text === changing.told) return;
    changing.told = line.text;
    for (const listener of this.#listeners) listener(line);
  }
}
