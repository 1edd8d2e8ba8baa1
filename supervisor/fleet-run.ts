// One fleet, its parts wired together: the machine and its host, what hears of every turn, and what may be asked of it. It knows
// nothing of the process that it lives in: signals, systemd and successors are `index.ts`'s.
import { once } from 'node:events';
import type { Config } from '../config/config.js';
import { inWords } from '../config/duration.js';
import { ExitCode, OperatorError } from '../config/exit-code.js';
import { Before } from './before.js';
import { Chronicle } from './chronicle.js';
import type { UpgradeOutcome, Whole } from './commands.js';
import { Development } from './development.js';
import type { Environment } from './environment.js';
import { FleetCommands } from './fleet-commands.js';
import { type Heir, Relay } from './handover.js';
import { History } from './history.js';
import { Looking } from './look/looking.js';
import { Metrics } from './metrics/metrics.js';
import { NodeHost } from './node-host.js';
import { Occasions } from './occasions.js';
import { Outward } from './outward.js';
import { policyOf } from './policy.js';
import type { Premises } from './premises.js';
import type { Lineal } from './refusal.js';
import { Standing } from './standing.js';
import { emptyFleet, type Fleet, isServing } from './state.js';
import type { FleetStatus } from './status.js';
import { type Observer, Supervisor } from './supervisor.js';
import type { Scale } from './upgrade/protocol.js';
import { scaled } from './upgrade/scale.js';

/** What ties a fleet to the process that it lives in. */
export interface Ties {
  readonly version: string;
  /** How many workers a predecessor has, which may have been asked for other than by the configuration. */
  readonly scale: Scale | undefined;
  /** @throws {OperatorError} where the configuration is wrong. */
  readonly reread: (environment: Environment) => Promise<Config>;
  /** Hears of every turn, once the fleet itself has. */
  readonly observe: Observer;
  /** A stop was asked for, and waits for load balancers to notice. */
  readonly leaving: () => void;
  /** Something else has changed that is no turn of the fleet. */
  readonly look: () => void;
  /** A stop begins, or is hurried. */
  readonly stopping: () => void;
  /** Resolves when the process has done all it has to do before it ends. */
  readonly stopped: Promise<unknown>;
  readonly upgrade: () => Promise<UpgradeOutcome>;
  /** The other apps of the process, and those that this one waits for. */
  readonly company: () => Pick<FleetStatus, 'beside' | 'waitsFor'>;
  readonly whole: Whole;
  readonly lineal: () => Lineal;
}

export class FleetRun {
  readonly premises: Premises;
  readonly commands: FleetCommands;
  readonly metrics: Metrics;
  readonly relay: Relay;
  readonly chronicle: Chronicle;
  /** Resolves when nobody is left. */
  readonly ended: Promise<unknown>;
  readonly #ties: Ties;
  readonly #host: NodeHost;
  readonly #supervisor: Supervisor;
  readonly standing: Standing;
  readonly #outward: Outward;
  #hopeless: OperatorError | undefined;
  #delayed: NodeJS.Timeout | undefined;
  #recycleAt: number | undefined;
  readonly #occasions: Occasions;
  readonly #development: Development;

  constructor(premises: Premises, ties: Ties) {
    const { config, logs, journal, incidents, sockets, releases } = premises;
    const { version, scale, reread, upgrade, lineal, stopped } = ties;
    this.premises = premises;
    this.#ties = ties;
    const ending = new AbortController();
    this.ended = once(ending.signal, 'abort');
    this.chronicle = new Chronicle(
      logs,
      incidents,
      journal,
      () => this.#supervisor.policy,
      this.giveUp,
      config.watch.program,
    );
    this.metrics = new Metrics({
      name: config.name,
      version,
      incidents: () => incidents.figures,
      measure: (seq) => this.#host.measure(seq),
    });
    this.relay = new Relay(
      () => this.fleet,
      (id, message, handle) => this.#host.give(id, message, handle),
      (from) => {
        this.metrics.handedOver();
        this.chronicle.handedOver(from);
      },
    );
    this.#host = new NodeHost(
      releases,
      sockets,
      this.relay,
      (event) => this.#supervisor.tell(event),
      this.metrics.overhear(this.chronicle),
      (files) => this.#development.loaded(files),
      // Once the turn that ends the fleet has been seen: why it ends is known by then.
      () => queueMicrotask(() => void this.#outward.end().then(() => ending.abort())),
      logs.brake,
    );
    this.standing = new Standing(
      () => this.fleet,
      () => this.commands.config.ready.quorum,
      () => this.isLeaving,
    );
    this.#outward = new Outward({
      config,
      fleet: () => this.fleet,
      standing: this.standing,
      tell: (level, text) => this.chronicle.note(level, 'registry', text),
    });
    const history = new History();
    const { size, standby } = scaled(config, scale);
    const fleet = emptyFleet(size, standby);
    this.#supervisor = new Supervisor(this.#host, fleet, policyOf(config), (...turn) => {
      this.chronicle.observe(...turn);
      history.observe(...turn);
      this.metrics.observe(...turn);
      this.commands.observe(...turn);
      this.relay.observe();
      this.standing.observe();
      this.#outward.look();
      for (const effect of turn[3]) if (effect.type === 'give-up') this.#surrender(effect.failures, history);
      if (turn[2].goal !== 'serve') this.#occasions.close();
      ties.observe(...turn);
    });
    this.commands = new FleetCommands({
      config,
      version,
      supervisor: this.#supervisor,
      releases,
      history,
      reread,
      policyOf,
      pin: async (added) => {
        for (const address of added) await sockets.pin(address);
      },
      unpin: (added) => {
        for (const address of added) sockets.unpin(address);
      },
      particulars: (id) => this.#host.particulars(id),
      stop: (now) => this.stop(now),
      stopped,
      standing: this.standing,
      maintain: (on) => this.maintain(on),
      upgrade,
      company: ties.company,
      lineal,
      lastWords: (worker) => this.chronicle.lastWords(worker),
      refused: (why) => this.chronicle.note('error', 'refused', `nothing was changed: ${why}`),
      before: new Before(this.chronicle.beforeLog),
      giveUp: this.giveUp,
      recycleAt: () => this.#recycleAt,
      adopted: (changed) => {
        logs.log.level = changed.logs.level;
        this.#occasions.follow(changed);
      },
    });
    this.#development = new Development({
      again: () => this.commands.reload({}, () => Promise.resolve(this.commands.config)),
      releases,
      serves: () => this.fleet.workers.some(isServing),
      note: (level, text) => this.chronicle.note(level, 'watch', text),
      quieten: () => this.chronicle.quieten(),
      book: incidents.dir,
    });
    this.#occasions = new Occasions({
      development: this.#development,
      commands: this.commands,
      asked: () => ties.whole.prepared,
      releases,
      note: (level, text) => this.chronicle.note(level, 'watch', text),
      due: (at) => {
        this.#recycleAt = at;
      },
    });
  }

  get fleet(): Fleet {
    return this.#supervisor.fleet;
  }

  /** Why it ended, where that was not asked for. */
  get hopeless(): OperatorError | undefined {
    return this.#hopeless;
  }

  /** A stop was asked for, and waits for load balancers to notice. */
  get isLeaving(): boolean {
    return this.#delayed !== undefined;
  }

  now(): number {
    return this.#host.now();
  }

  /** From now on there are answers to commands. */
  answer(): void {
    const { control, releases, journal, incidents, logs } = this.premises;
    const { commands, metrics } = this;
    control.serve({
      config: () => releases.newest,
      commands,
      journal,
      incidents,
      looking: new Looking({
        fleet: () => this.fleet,
        looks: this.#host.looks,
        note: (text) => this.chronicle.note('info', 'look', text),
      }),
      metrics: () => metrics.scrape(),
      whole: this.#ties.whole,
      reopen: () => logs.reopen(),
    });
  }

  begin(): void {
    this.#occasions.follow(this.premises.config);
    this.commands.begin();
  }

  /**
   * Tells load balancers and registries of this machine.
   * @param untilMs how long an address may be another's, who is about to give it up.
   */
  async openOutward(untilMs: number): Promise<void> {
    await this.#outward.open(untilMs).catch(this.giveUp);
  }

  /** Whoever decides where requests go is told to spare this machine. Those that come are served all the same. */
  maintain(on: boolean): void {
    if (this.standing.maintenance === on) return;
    this.standing.maintenance = on;
    const text = on ? 'maintenance: no new requests are asked for here' : 'maintenance is over';
    this.chronicle.note('info', 'maintenance', text);
    this.#ties.look();
    this.#outward.look();
  }

  closeOutward(): void {
    this.#outward.leave();
  }

  stop(now: boolean): void {
    const { delayMs } = this.commands.config.stop;
    if (!now && this.#delayed === undefined && delayMs > 0 && this.fleet.goal === 'serve') {
      this.#delayed = setTimeout(() => this.stop(false), delayMs);
      this.#ties.leaving();
      this.#outward.look();
      this.premises.log.info(`stopping in ${inWords(delayMs)}: load balancers have time to notice`);
      return;
    }
    clearTimeout(this.#delayed);
    this.#ties.stopping();
    this.#supervisor.tell({ type: now ? 'halt-asked' : 'stop-asked' });
    // Nobody will accept what comes from now on: better refused at once than left waiting, and reset at the end.
    this.premises.sockets.close();
  }

  /** Ends the fleet; the first reason stands. */
  readonly giveUp = (error: OperatorError): void => {
    this.#hopeless ??= error;
    this.#supervisor.tell({ type: 'halt-asked' });
  };

  /** The fleet before this one serves on. What has been accepted here meanwhile is answered here. */
  withdraw(): void {
    this.#supervisor.tell({ type: 'stop-asked' });
  }

  /** A successor serves. Sockets stay open, and kept connections go to it. */
  retire(heir: Heir): void {
    this.#outward.leave();
    this.premises.sockets.forsake();
    this.premises.control.leave();
    this.relay.follow(heir);
    this.#supervisor.tell({ type: 'stop-asked' });
  }

  #surrender(failures: number, history: History): void {
    this.#hopeless ??= new OperatorError(
      `gave up: every worker has failed ${failures} times or more in a row, the last in slot 0: ${history.of(0).lastEnd ?? 'unknown'}; the log has their last words`,
      ExitCode.failed,
    );
  }
}
