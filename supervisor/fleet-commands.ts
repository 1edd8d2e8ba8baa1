// The commands of `commands.ts`, carried out: each becomes a fact that the machine is told, and an answer read from its turns.
import type { Config } from '../config/config.js';
import { ExitCode, OperatorError } from '../config/exit-code.js';
import type { Unprepared } from './before.js';
import { settles } from './change.js';
import type {
  Commands,
  Outcome,
  Progress,
  Refusal,
  ReloadAsk,
  ReloadOutcome,
  RollbackOutcome,
  ScaleOutcome,
  UpgradeOutcome,
} from './commands.js';
import type { Effect } from './effect.js';
import { become, type Environment, handedOver, inherited } from './environment.js';
import type { Means } from './fleet-means.js';
import { mustRestart } from './must-restart.js';
import { whyNot } from './narrate-change.js';
import { planOf } from './policy.js';
import { ending, refusal } from './refusal.js';
import { type Release, resolved } from './releases.js';
import { wayBack } from './rollback.js';
import { serving } from './standing.js';
import { find } from './state.js';
import { type FleetStatus, stateOf, workerStatus } from './status.js';
import type { Observer } from './supervisor.js';
import type { Scale } from './upgrade/protocol.js';
import { scaled } from './upgrade/scale.js';
import { Waiting } from './waiting.js';

const MOST_WORKERS = 1024;
const startedAt = Date.now() - Math.round(performance.now());

export class FleetCommands implements Commands {
  readonly #means: Means;
  readonly #waiting: Waiting;
  #config: Config;
  /** Of the generation that was asked for last. */
  #tried: Config | undefined;
  #reading: Promise<unknown> = Promise.resolve();

  constructor(means: Means) {
    this.#means = means;
    this.#config = means.config;
    this.#waiting = new Waiting(() => means.supervisor.fleet);
  }

  /** Of the fleet as a whole: the one that its generation runs. */
  get config(): Config {
    return this.#config;
  }

  readonly observe: Observer = (...turn) => {
    this.#means.releases.prune(turn[2]);
    if (turn[2].goal !== 'serve') this.#means.before.end();
    this.#waiting.turned(turn);
  };

  /** The first generation, once what has to come before it is done. */
  begin(): void {
    this.#reading = this.#first();
  }

  /** Resolves when no configuration is being read, and nothing done that has to come before a generation. */
  get prepared(): Promise<unknown> {
    return this.#reading;
  }

  status(): FleetStatus {
    const { version, supervisor, history, particulars, standing, recycleAt, company } = this.#means;
    const { fleet } = supervisor;
    const { stand } = standing;
    const { beside, waitsFor } = company();
    return {
      name: this.#config.name,
      script: this.#config.script,
      pid: process.pid,
      version,
      node: process.versions.node,
      since: startedAt,
      state: stand === 'leaving' ? 'stopping' : waitsFor.length > 0 ? 'starting' : stateOf(fleet),
      ready: stand === 'up',
      maintenance: standing.maintenance,
      generation: fleet.generation,
      size: fleet.size,
      standby: fleet.slots.length - fleet.size,
      serving: serving(fleet),
      nextRecycle: recycleAt(),
      slots: fleet.slots.map((_, slot) => ({ slot, ...history.of(slot) })),
      workers: fleet.workers.map((worker) => workerStatus(worker, particulars(worker.id))),
      beside,
      waitsFor,
    };
  }

  /** `read` gives the configuration. */
  async reload(ask: ReloadAsk, read = this.#means.reread): Promise<ReloadOutcome> {
    const environment = ask.env && handedOver(ask.env);
    const begun = await this.#renewed(
      read,
      (config, generation) => this.#roll(config, generation, ask, environment),
      environment,
    );
    return 'why' in begun ? this.#nothingTried(begun) : begun.ended;
  }

  async rollback(): Promise<RollbackOutcome> {
    await this.#reading;
    const { supervisor, releases, refused } = this.#means;
    const { reload, generation } = supervisor.fleet;
    const refusing = this.#refusal();
    if (refusing) return this.#nothingTried(refusing);
    if (reload) {
      supervisor.tell({ type: 'recall-asked' });
      const back = this.#ended(await this.#waiting.change(generation, this.#waiting.settled()));
      return back.ok
        ? { ok: true, generation, of: generation, script: releases.of(generation).script }
        : this.#nothingTried(back);
    }
    const way = wayBack(releases, supervisor.fleet, this.#config);
    if ('why' in way) {
      refused(way.why);
      return this.#nothingTried(way);
    }
    const outcome = await this.#roll(
      way.config,
      releases.add(way.config, way.inherited),
      { canary: false },
      way.inherited,
    ).ended;
    return outcome.ok ? { ...outcome, of: way.of, script: way.config.script } : outcome;
  }

  async restart(): Promise<Outcome> {
    const begun = await this.#renewed(this.#means.reread, (config, generation) => {
      this.#adopt(config);
      this.#means.supervisor.tell({ type: 'restart-asked', generation });
      return { ended: this.#waiting.settled(), generation };
    });
    return 'why' in begun ? begun : this.#ended(await this.#waiting.change(begun.generation, begun.ended));
  }

  async scale(to: { readonly to: number } | { readonly by: number }): Promise<ScaleOutcome> {
    const { supervisor } = this.#means;
    const { size: from, slots, generation } = supervisor.fleet;
    const size = 'to' in to ? to.to : from + to.by;
    const refusing = this.#refusal();
    if (refusing) return refusing;
    if (!Number.isInteger(size) || size < 1 || size > MOST_WORKERS)
      return { ok: false, why: `expected from 1 to ${MOST_WORKERS} workers, got ${size}` };
    supervisor.tell({ type: 'scale-asked', size, standby: slots.length - from });
    const outcome = this.#ended(await this.#waiting.change(generation, this.#waiting.settled()));
    return outcome.ok ? { ok: true, from, to: size } : outcome;
  }

  async drain(id: number): Promise<Outcome> {
    const { supervisor } = this.#means;
    const { fleet } = supervisor;
    const worker = find(fleet, id);
    const refusing = this.#refusal();
    if (refusing) return refusing;
    if (worker === undefined) {
      const there = fleet.workers.map((one) => one.id).join(', ');
      return { ok: false, why: `there is no worker ${id}; there are ${there || 'none'}` };
    }
    if (worker.phase === 'booting') return { ok: false, why: `worker ${id} is booting` };
    if (worker.phase === 'draining' || worker.phase === 'killing')
      return { ok: false, why: `worker ${id} is on its way out already` };
    const gone = this.#waiting.until<Outcome>((turn) => {
      if (find(turn[2], id) === undefined) return { ok: true };
      const settled = settles(turn, worker.slot);
      return settled?.ok === false ? settled : undefined;
    });
    supervisor.tell({ type: 'recycle-asked', id });
    return this.#ended(await gone);
  }

  /** What a turn says of a fleet that ends, in the words of its process. */
  #ended(outcome: Outcome): Outcome {
    return !outcome.ok && outcome.became === 'stopping' ? ending(this.#means.lineal()) : outcome;
  }

  /** Why nothing can be changed now. */
  #refusal(): Refusal | undefined {
    const { supervisor, lineal, company } = this.#means;
    const { waitsFor } = company();
    const waits = waitsFor.length === 0 ? undefined : `it waits for ${waitsFor.join(', ')}`;
    return refusal(supervisor.fleet, lineal()) ?? (waits === undefined ? undefined : { ok: false, why: waits });
  }

  scaleNow(): Scale {
    const { size, slots } = this.#means.supervisor.fleet;
    const { workers, standby } = this.#config;
    return { size, standby: slots.length - size, configured: { workers, standby } };
  }

  maintain(on: boolean): Outcome {
    if (this.#means.standing.stand === 'leaving') return ending(this.#means.lineal());
    this.#means.maintain(on);
    return { ok: true };
  }

  upgrade(): Promise<UpgradeOutcome> {
    return this.#means.upgrade();
  }

  async stop({ now }: { readonly now: boolean }): Promise<void> {
    this.#means.stop(now);
    await this.#means.stopped;
  }

  progress(listener: (line: Progress) => void): () => void {
    return this.#waiting.listen(listener);
  }

  async #first(): Promise<void> {
    const { supervisor, releases, giveUp } = this.#means;
    const prepared = this.#prepared(releases.newest, supervisor.fleet.generation);
    if (prepared === undefined) return supervisor.tell({ type: 'time-passed' });
    const goOn = supervisor.hold();
    const failure = await prepared;
    if (failure === undefined) return goOn();
    if (supervisor.fleet.goal === 'serve')
      giveUp(new OperatorError(`no worker was started: ${failure.why}; the log has what it said.`, ExitCode.failed));
  }

  #nothingTried(
    { lastWords = [], ...refused }: Refusal,
    generation = this.#means.supervisor.fleet.generation,
  ): Extract<ReloadOutcome, { ok: false }> {
    return { ...refused, generation, lastWords };
  }

  /** Its end is inside, as nobody who only wants it begun is to wait for it. */
  #roll(
    config: Config,
    generation: number,
    ask: ReloadAsk,
    environment?: Environment,
  ): { readonly ended: Promise<ReloadOutcome> } {
    const ended = this.#waiting.until(([, , , effects]) =>
      effects.find((effect) => effect.type === 'reloaded' && effect.generation === generation),
    );
    this.#means.supervisor.tell({ type: 'reload-asked', generation, plan: planOf(config, ask) });
    return { ended: this.#rolled(config, generation, ended, environment) };
  }

  async #rolled(
    config: Config,
    generation: number,
    ended: Promise<Effect | undefined>,
    environment?: Environment,
  ): Promise<ReloadOutcome> {
    const effect = await this.#waiting.change(generation, ended);
    const failure = effect?.type === 'reloaded' ? effect.failure : undefined;
    if (failure === undefined) {
      this.#adopt(config);
      if (environment) become(environment);
      return { ok: true, generation };
    }
    this.#unpin(config);
    if (failure.type === 'stopped') return this.#nothingTried(ending(this.#means.lineal()), generation);
    const lastWords = 'worker' in failure ? await this.#means.lastWords(failure.worker) : [];
    return { ok: false, generation, why: whyNot(failure), lastWords };
  }

  /** One reading after the other, so that the last who asked is the last who is heard. */
  #renewed<T>(
    read: (environment: Environment) => Promise<Config>,
    begin: (config: Config, generation: number) => T,
    environment = inherited(),
  ): Promise<T | Refusal> {
    const renewed = this.#reading.then(async () => {
      const { pin, releases, refused } = this.#means;
      let config: Config | undefined;
      try {
        const early = this.#refusal();
        if (early) {
          refused(early.why);
          return early;
        }
        config = await read(environment);
        await mustRestart(this.#config, config);
        await pin(this.#beyond(config, [this.#config]));
        const release = resolved(config, environment);
        const unprepared = (await this.#prepared(release, releases.next)) ?? this.#refusal();
        if (unprepared) {
          this.#unpin(config);
          refused(unprepared.why);
          return unprepared;
        }
        this.#tried = config;
        return begin(config, releases.add(release, environment));
      } catch (error) {
        if (config) this.#unpin(config);
        if (!(error instanceof Error) || error.name !== 'OperatorError') throw error;
        refused(error.message);
        const { exitCode } = error as OperatorError;
        return { ok: false, why: error.message, exitCode } as const;
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

  /** What changes at once. Of the rest, nothing. */
  follow(config: Config): void {
    const { releases, supervisor } = this.#means;
    releases.amend(supervisor.fleet.generation, config);
    this.#adopt(config);
  }

  /** Undefined where nothing has to come first. */
  #prepared(release: Release, generation: number): Promise<Unprepared | undefined> | undefined {
    return release.before.command.length === 0 ? undefined : this.#means.before.run(release, generation);
  }

  /** What holds for the whole fleet follows the generation that it runs; a size that was asked for since stays where the configuration says the same. */
  #adopt(config: Config): void {
    const { supervisor, policyOf, adopted } = this.#means;
    const { size, standby } = scaled(config, this.scaleNow());
    this.#config = config;
    supervisor.follow(policyOf(config));
    adopted(config);
    const { fleet } = supervisor;
    if (fleet.size === size && fleet.slots.length === size + standby) return;
    supervisor.tell({ type: 'scale-asked', size, standby });
  }
}
