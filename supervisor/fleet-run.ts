// One fleet, its parts wired together: the machine and its host, what hears of every turn, and what may be asked of it. It knows
// nothing of the process that it lives in: signals, systemd and successors are `index.ts`'s.
import { once } from 'node:events';
import type { Config } from '../config/config.js';
import { inWords } from '../config/duration.js';
import { ExitCode, OperatorError } from '../config/exit-code.js';
import type { Agents } from './agent/agent.js';
import { Chronicle } from './chronicle.js';
import type { UpgradeOutcome } from './commands.js';
import type { Environment } from './environment.js';
import { FleetCommands } from './fleet-commands.js';
import { Relay } from './handover.js';
import { History } from './history.js';
import { Looking } from './look/looking.js';
import { Metrics } from './metrics/metrics.js';
import { NodeHost } from './node-host.js';
import { policyOf } from './policy.js';
import type { Premises } from './premises.js';
import type { Standing } from './refusal.js';
import { emptyFleet, type Fleet } from './state.js';
import { type Observer, Supervisor } from './supervisor.js';
import type { Passing } from './upgrade/passing.js';
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
  /** A stop begins, or is hurried. */
  readonly stopping: () => void;
  /** Resolves when the process has done all it has to do before it ends. */
  readonly stopped: Promise<unknown>;
  readonly upgrade: () => Promise<UpgradeOutcome>;
  readonly standing: () => Standing;
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
  #hopeless: OperatorError | undefined;
  #delayed: NodeJS.Timeout | undefined;
  #agents: Agents | undefined;

  constructor(premises: Premises, ties: Ties) {
    const { config, log, journal, incidents, sockets, releases } = premises;
    const { version, scale, reread, upgrade, standing, stopped } = ties;
    this.premises = premises;
    this.#ties = ties;
    const ending = new AbortController();
    this.ended = once(ending.signal, 'abort');
    this.chronicle = new Chronicle(log, incidents, journal, () => this.#supervisor.policy, this.giveUp);
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
      // Once the turn that ends the fleet has been seen: why it ends is known by then.
      () => queueMicrotask(() => ending.abort()),
    );
    const history = new History();
    const { size, standby } = scaled(config, scale);
    const fleet = emptyFleet(size, standby);
    this.#supervisor = new Supervisor(this.#host, fleet, policyOf(config), (...turn) => {
      this.chronicle.observe(...turn);
      history.observe(...turn);
      this.metrics.observe(...turn);
      this.commands.observe(...turn);
      this.relay.observe();
      for (const effect of turn[3]) if (effect.type === 'give-up') this.#surrender(effect.failures, history);
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
      leaving: () => this.#delayed !== undefined,
      upgrade,
      standing,
      lastWords: (worker) => this.chronicle.lastWords(worker),
      refused: (why) => this.chronicle.note('error', 'refused', `nothing was changed: ${why}`),
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
    const { control, releases, journal, incidents } = this.premises;
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
    });
  }

  begin(): void {
    this.#supervisor.tell({ type: 'time-passed' });
  }

  /** @param untilMs how long an address may be another's, who is about to give it up. */
  async openAgents(untilMs: number): Promise<void> {
    const { listen } = this.premises.config.agent;
    if (listen.length === 0) return;
    const { answer, Agents } = await import('./agent/agent.js');
    this.#agents = new Agents(() => answer(this.fleet, this.isLeaving));
    await this.#agents.open(listen, untilMs).catch(this.giveUp);
  }

  closeAgents(): void {
    this.#agents?.close();
  }

  stop(now: boolean): void {
    const { delayMs } = this.premises.config.stop;
    if (!now && this.#delayed === undefined && delayMs > 0 && this.fleet.goal === 'serve') {
      this.#delayed = setTimeout(() => this.stop(false), delayMs);
      this.#ties.leaving();
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
    this.halt();
  };

  halt(): void {
    this.#supervisor.tell({ type: 'halt-asked' });
  }

  /** A successor serves. Sockets stay open, and kept connections go to it. */
  retire(passing: Passing): void {
    this.closeAgents();
    this.premises.sockets.forsake();
    this.premises.control.leave();
    this.relay.follow((moved, handle) => passing.pass(moved, handle));
    this.#supervisor.tell({ type: 'stop-asked' });
  }

  #surrender(failures: number, history: History): void {
    this.#hopeless ??= new OperatorError(
      `gave up: every worker has failed ${failures} times or more in a row, the last in slot 0: ${history.of(0).lastEnd ?? 'unknown'}; the log has their last words`,
      ExitCode.failed,
    );
  }
}
