// All apps of the process: each is opened, begins when its turn has come, and leaves. What goes wrong with one is its own affair as
// long as there are others.
import type { Config } from '../../config/config.js';
import { inWords } from '../../config/duration.js';
import { OperatorError } from '../../config/exit-code.js';
import type { UpgradeOutcome, Whole } from '../commands.js';
import type { Environment } from '../environment.js';
import type { FleetRun } from '../fleet-run.js';
import type { Inherited } from '../inheritance.js';
import { Logs } from '../log.js';
import { tellWhere } from '../premises.js';
import type { Lineal } from '../refusal.js';
import { isServing } from '../state.js';
import type { Observer } from '../supervisor.js';
import type { Scale } from '../upgrade/protocol.js';
import { App } from './app.js';
import { shareOut } from './shares.js';
import { beginners, leavers, waitsFor } from './turns.js';

export interface Means {
  readonly version: string;
  /** Whether another supervisor goes on until the apps here serve. */
  readonly follows: boolean;
  /** @throws {OperatorError} where the configuration is wrong. */
  readonly reread: (name: string, environment: Environment) => Promise<Config>;
  /** The other supervisor leaves only if this app makes it. */
  readonly awaits: (name: string) => boolean;
  /** What a predecessor called an app. */
  readonly former: (name: string) => string | undefined;
  /** Hears of every turn of every fleet. */
  readonly observe: (app: App, ...turn: Parameters<Observer>) => void;
  readonly leaving: () => void;
  readonly look: () => void;
  readonly stopping: () => void;
  readonly upgrade: () => Promise<UpgradeOutcome>;
  /** What a predecessor had scaled an app to. */
  readonly scale: (name: string) => Scale | undefined;
  readonly lineal: () => Lineal;
  readonly whole: Whole;
  /** Hears of each fleet before its first worker starts. */
  readonly opened: (run: FleetRun) => void;
}

export class Apps {
  readonly #means: Means;
  readonly #ended = new AbortController();
  readonly #first: Config | undefined;
  #logs: Logs | undefined;
  #list: readonly App[];
  #isEnding = false;
  #opening: Promise<unknown> = Promise.resolve();

  constructor(configs: readonly Config[], means: Means) {
    this.#means = means;
    this.#list = configs.map((config) => new App(config));
    [this.#first] = configs;
  }

  get list(): readonly App[] {
    return this.#list;
  }

  get isSeveral(): boolean {
    return this.#list.length > 1;
  }

  /** A stop of all was asked for. */
  get isEnding(): boolean {
    return this.#isEnding;
  }

  /** Those that have a fleet. */
  get runs(): readonly FleetRun[] {
    return this.#list.flatMap(({ run, phase }) => (run && phase !== 'over' ? [run] : []));
  }

  /** Aborted when nobody is left. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /**
   * Before any worker starts.
   * @param drop gives up root, where a user is named.
   * @throws {OperatorError} where none can be opened.
   */
  async open(inherited: readonly Inherited[], drop: (() => Promise<void>) | undefined): Promise<void> {
    const all = this.#list;
    const asking = all.map(({ asked: { name, listen } }) => ({ name, listen }));
    const shares = shareOut(inherited, asking, this.#means.former);
    for (const app of all) await this.#attempt(app, () => app.lay(shares.get(app.name) ?? [], () => this.isSeveral));
    if (drop) {
      for (const app of all) await this.#attempt(app, () => app.pin());
      // Before anything else is made that must belong to the user: the control socket, the book of errors.
      await drop();
    }
    for (const app of all) await this.#furnish(app, drop === undefined);
    const [failed] = all;
    if (failed?.failure && all.every(({ failure }) => failure)) throw failed.failure;
  }

  /** One more, or one that has ended, while the others go on: once all of these are gone. */
  async add(app: App, leaving: readonly App[]): Promise<void> {
    // At once, for a process ends with the last that it knows of.
    this.#list = [...this.#list.filter(({ name, phase }) => name !== app.name || phase !== 'over'), app];
    await Promise.all(leaving.map(({ gone }) => gone));
    // One after the other: on its way to its place, a control socket has a name of the process.
    const before = this.#opening;
    const open = async (): Promise<void> => {
      await before;
      await this.#attempt(app, () => app.lay([], () => this.isSeveral), true);
      await this.#furnish(app, true, true);
    };
    const opened = open();
    this.#opening = opened.catch(() => {});
    await opened;
    if (!app.failure) this.wire(app, true);
    // It may be in no configuration any more already.
    if (app.isRemoved && app.failure) this.forget(app);
    else if (app.isRemoved) app.run?.stop(true);
    // A stop may have been asked for meanwhile, or the others have ended.
    if (this.#isEnding) this.#stopNext();
    this.#endWithLast();
  }

  /** It is in no configuration any more, and nobody is left of it. */
  forget(app: App): void {
    this.#list = this.#list.filter((other) => other !== app);
  }

  async #furnish(app: App, pins: boolean, isLater = false): Promise<void> {
    // One that the predecessor has not: its name may be somebody else's.
    const follows = this.#means.follows && !isLater && this.#means.former(app.name) !== undefined;
    await this.#attempt(app, () => app.furnish(follows, this.isSeveral), isLater);
    if (pins) await this.#attempt(app, () => app.pin(), isLater);
    if (app.premises && !app.failure) tellWhere(app.premises);
  }

  async #attempt(app: App, what: () => void | Promise<void>, isLater = false): Promise<void> {
    if (app.failure) return;
    try {
      await what();
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      app.end(error);
      await app.leave();
      if (!this.isSeveral && !isLater) throw error;
      if (this.#means.awaits(app.name)) throw new OperatorError(`${app.name}: ${error.message}`, error.exitCode);
      this.note('error', 'failed', `${app.name} does not start, and the next reload tries it again: ${error.message}`);
    }
  }

  /** From now on it has a fleet. */
  wire(app: App, isLater = false): void {
    const { version, reread, leaving, look, stopping, upgrade, scale, lineal, whole } = this.#means;
    const run = app.wire({
      version,
      reread: (environment) => reread(app.name, environment),
      leaving,
      look,
      stopping,
      upgrade,
      scale: isLater ? undefined : scale(app.name),
      lineal,
      whole,
      company: () => ({
        beside: this.#list.filter((other) => other !== app && other.phase !== 'over').map(({ name }) => name),
        waitsFor: app.phase === 'waiting' ? waitsFor(app, this.#list) : [],
      }),
      observe: (...turn) => {
        this.beginNext();
        this.#means.observe(app, ...turn);
      },
    });
    if (run === undefined) return;
    void run.ended.then(() => this.#over(app));
    this.#means.opened(run);
  }

  /** Those whose turn has come. */
  beginNext(): void {
    if (this.#isEnding) return;
    for (const app of beginners(this.#list)) if (app.run) app.begin();
  }

  /** Says who waits, and goes on saying it while it is in vain. */
  tellWaiting(app: App, afterMs = 0): void {
    const whom = waitsFor(app, this.#list);
    if (app.phase !== 'waiting' || whom.length === 0) return;
    const others = this.#list.filter(({ name }) => whom.includes(name));
    const nextMs = afterMs === 0 ? Math.max(...others.map(({ asked }) => asked.ready.timeoutMs)) : afterMs * 2;
    if (afterMs === 0) app.run?.chronicle.note('info', 'waiting', `${app.name} waits for ${whom.join(' and ')}`);
    else
      app.run?.chronicle.note(
        'warn',
        'waiting',
        `${app.name} still waits, after ${inWords(afterMs)}, for ${others.map(stateInWords).join(' and ')}`,
      );
    setTimeout(() => this.tellWaiting(app, nextMs), nextMs).unref();
  }

  /** None begins any more; what has, is told by `leave`. */
  retire(leave: (run: FleetRun) => void): void {
    this.#isEnding = true;
    for (const run of this.runs) leave(run);
  }

  /** As a signal does it. With several, those that come after others leave first. */
  stop(now: boolean): void {
    this.#isEnding = true;
    // Who waits for load balancers already waits no longer.
    for (const run of this.runs) if (now || (run.isLeaving && run.fleet.goal === 'serve')) run.stop(now);
    if (!now) this.#stopNext();
  }

  #stopNext(): void {
    for (const { run } of leavers(this.#list)) if (run && run.fleet.goal === 'serve' && !run.isLeaving) run.stop(false);
  }

  #over(app: App): void {
    const failure = app.run?.hopeless;
    app.end(failure);
    if (app.isRemoved) this.forget(app);
    if (this.#endWithLast()) return;
    if (failure)
      this.note('error', 'failed', `${app.name} has ended, and the next reload tries it again: ${failure.message}`);
    void app.leave();
    if (this.#isEnding) this.#stopNext();
  }

  #endWithLast(): boolean {
    const isLast = this.#list.every(({ phase }) => phase === 'over');
    if (isLast) this.#ended.abort();
    return isLast;
  }

  /** Ends what is left. */
  async close(): Promise<void> {
    for (const app of this.#list) await app.leave();
    await this.#logs?.end();
  }

  /** What is not one app's: on stdout once, whatever files the apps have, and among the events of each. */
  note(level: 'info' | 'warn' | 'error', event: string, text: string): void {
    const [only, another] = this.runs;
    if (only && !another && !this.isSeveral) return only.chronicle.note(level, event, text);
    this.#processLog?.log[level]({ event }, text);
    for (const { premises } of this.runs) premises.journal.record({ level, event, text });
  }

  get #processLog(): Logs | undefined {
    if (this.#first === undefined) return undefined;
    const logs = { ...this.#first.logs, file: undefined, accessFile: undefined };
    return (this.#logs ??= new Logs({ name: undefined, logs }));
  }
}

function stateInWords({ name, phase, run, failure }: App): string {
  if (failure) return `${name}, which has failed: ${failure.message}`;
  if (phase === 'over') return `${name}, which was stopped`;
  if (phase === 'waiting' || run === undefined) return `${name}, which waits itself`;
  const { workers, slots, degraded } = run.fleet;
  const ready = workers.filter(isServing).length;
  return `${name} (${ready} of ${slots.length} workers ready${degraded ? ', they fail again and again' : ''})`;
}
