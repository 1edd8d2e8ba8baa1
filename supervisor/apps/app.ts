// One app of the process: its fleet, from the moment it is wanted until nobody of it is left.
import { once } from 'node:events';
import type { Config } from '../../config/config.js';
import type { OperatorError } from '../../config/exit-code.js';
import type { Environment } from '../environment.js';
import { FleetRun, type Ties } from '../fleet-run.js';
import type { Inherited } from '../inheritance.js';
import { furnish, type Ground, groundOf, leave, type Premises, pinAll } from '../premises.js';
import type { Observer } from '../supervisor.js';
import { serves } from '../upgrade/debut.js';
import type { Standing } from './turns.js';

export class App implements Standing {
  readonly name: string;
  phase: Standing['phase'] = 'waiting';
  /** Why it is over, where nobody has asked for that. */
  failure: OperatorError | undefined;
  /** It is in no configuration any more. */
  isRemoved = false;
  /** What a reload under way brings in. */
  pending: Config | undefined;
  /** Resolves when it is ready, degraded or over. */
  readonly settled: Promise<unknown>;
  /** Resolves when it has left everything. */
  readonly gone: Promise<unknown>;
  /** Resolves when nobody is left of it, and it is about to leave. */
  readonly stopped: Promise<unknown>;
  readonly #first: Config;
  readonly #environment: Environment | undefined;
  readonly #settling = new AbortController();
  readonly #going = new AbortController();
  readonly #stopping = new AbortController();
  #ground: Ground | undefined;
  #premises: Premises | undefined;
  #run: FleetRun | undefined;
  #leaving: Promise<void> | undefined;

  /** `environment`: what its workers have beneath their own variables. Default: what the process has. */
  constructor(config: Config, environment?: Environment) {
    this.name = config.name;
    this.#first = config;
    this.#environment = environment;
    this.settled = once(this.#settling.signal, 'abort');
    this.gone = once(this.#going.signal, 'abort');
    this.stopped = once(this.#stopping.signal, 'abort');
  }

  /** What was asked for last. */
  get asked(): Config {
    return this.pending ?? this.#run?.commands.config ?? this.#first;
  }

  get after(): readonly string[] {
    return this.asked.after;
  }

  /** Undefined until it could be opened. */
  get run(): FleetRun | undefined {
    return this.#run;
  }

  /** @throws {OperatorError} */
  lay(inherited: readonly Inherited[], isAmong: () => boolean): void {
    this.#ground = groundOf(this.asked, inherited, isAmong);
  }

  /** @throws {OperatorError} where an address is taken. */
  async pin(): Promise<void> {
    if (this.#ground) await pinAll(this.#ground);
  }

  /** @throws {OperatorError} where its name is taken, or its log file cannot be written. */
  async furnish(follows: boolean, isAmong: boolean): Promise<void> {
    const environment = this.#environment;
    if (this.#ground) this.#premises = await furnish(this.#ground, { follows, isAmong, environment });
  }

  /** What it has, before its first worker. */
  get premises(): Premises | undefined {
    return this.#premises;
  }

  wire(ties: Omit<Ties, 'stopped'>): FleetRun | undefined {
    if (this.#premises === undefined) return undefined;
    this.#run = new FleetRun(this.#premises, {
      ...ties,
      stopped: this.stopped,
      observe: (...turn) => {
        this.#observe(...turn);
        ties.observe(...turn);
      },
    });
    return this.#run;
  }

  begin(): void {
    if (this.phase !== 'waiting') return;
    this.phase = 'begun';
    this.#run?.begin();
  }

  /** Nobody is left of it. */
  end(failure: OperatorError | undefined): void {
    this.phase = 'over';
    this.failure ??= failure;
    this.#settling.abort();
  }

  /** A successor has its commands and its book; what is told until the end goes on. */
  async handOver(): Promise<void> {
    if (this.#leaving || this.#premises === undefined) return;
    await this.#premises.control.close();
    await this.#premises.incidents.close();
  }

  leave(): Promise<void> {
    return (this.#leaving ??= this.#leave());
  }

  async #leave(): Promise<void> {
    this.#stopping.abort();
    this.#run?.closeOutward();
    if (this.#premises) await leave(this.#premises);
    else if (this.#ground) {
      this.#ground.sockets.close();
      await this.#ground.logs.end();
    }
    this.#going.abort();
  }

  readonly #observe: Observer = (_event, _before, after) => {
    if (this.phase === 'begun' && after.goal === 'serve' && serves(after, this.asked.ready.quorum))
      this.phase = 'ready';
    if (this.phase === 'ready' || after.degraded) this.#settling.abort();
  };
}
