// What is between the first worker of the process and the last: signals, systemd, the supervisors before and after it.
import { once } from 'node:events';
import os from 'node:os';
import type { Config } from '../config/config.js';
import { roundedWords } from '../config/cores.js';
import { ExitCode, OperatorError } from '../config/exit-code.js';
import { nameOf } from '../config/settle.js';
import { Apps } from './apps/apps.js';
import { FileWatch } from './apps/file-watch.js';
import { Renewal } from './apps/renewal.js';
import type { Shared } from './apps/shared.js';
import { standingOf } from './apps/standing.js';
import type { UpgradeOutcome } from './commands.js';
import type { Environment } from './environment.js';
import type { FleetRun } from './fleet-run.js';
import type { About } from './index.js';
import { Lineage } from './lineage.js';
import { writePidFile } from './pid-file.js';
import { type Ending, onEnding, onSignal } from './signals.js';
import { count } from './words.js';

export class House {
  readonly apps: Apps;
  readonly #about: About;
  readonly #lineage: Lineage;
  readonly #renewal: Renewal;
  readonly #watch: FileWatch;
  readonly #signals = new AbortController();
  readonly #hurry = new AbortController();
  #exitCode = 0;
  #isSignalled = false;
  #stillborn: string | undefined;

  constructor(configs: readonly Config[], about: About, shared: Shared) {
    const { folder = process.cwd(), predecessor, service, version } = about;
    const [first] = configs;
    const isNameless = first !== undefined && first.name === nameOf(first.script);
    const reread = async (environment: Environment, file?: string): Promise<readonly Config[]> => {
      const all = [(await about.reread?.(environment, file)) ?? configs].flat();
      const [only, another] = all;
      if (!isNameless || only === undefined || another || this.apps.isSeveral) return all;
      // Called after its script: another script is no other name for what runs.
      return [only.name === nameOf(only.script) ? { ...only, name: first.name } : only];
    };
    this.#about = about;
    this.#watch = new FileWatch(about.file, {
      changed: (question) => this.#renewal.follow(question),
      blind: (why) => this.apps.note('warn', 'watch', `changes of ${about.file} may not be seen: ${why}`),
    });
    this.#renewal = new Renewal({
      apps: () => this.apps,
      reread,
      quiet: () => this.#lineage.quiet(),
      isUpgrading: () => this.#lineage.upgrade.isUnderWay,
      renewed: (all) => this.#watch.follow(all),
    });
    this.#lineage = new Lineage(
      () => this.apps,
      { folder, predecessor, service, names: configs.map(({ name }) => name) },
      (verdict) => {
        if (verdict.type === 'ready') {
          if (shared.pidFile !== undefined) writePidFile(shared.pidFile);
          return;
        }
        this.#exitCode = ExitCode.failed;
        this.#stillborn = verdict.why;
        this.apps.retire((run) => run.withdraw());
      },
    );
    this.apps = new Apps(configs, {
      version,
      follows: predecessor !== undefined,
      reread: async (name, environment) => oneOf(await reread(environment), name, this.apps.isSeveral),
      awaits: (name) => this.#lineage.awaits(name),
      former: (name) => this.#lineage.former(name),
      observe: (app, ...turn) => {
        service?.observe(...turn);
        this.#lineage.observe(app, ...turn);
      },
      leaving: () => {
        this.#lineage.upgrade.callOff();
        service?.look();
      },
      look: () => service?.look(),
      stopping: () => this.#lineage.upgrade.callOff(),
      upgrade: () => this.#upgrade(),
      scale: (name) => this.#lineage.scaleOf(name),
      lineal: () => ({
        isReplaced: this.#lineage.isSucceeded,
        isUpgrading: this.#lineage.upgrade.isUnderWay,
      }),
      whole: this.#renewal,
      opened: (run) => this.#opened(run),
    });
  }

  /** What was bound before root was given up. */
  get pinned(): Config['listen'] {
    return this.apps.list.flatMap(({ asked, failure }) => (failure ? [] : asked.listen));
  }

  /** Resolves to the exit code. */
  async live(): Promise<number> {
    const { apps } = this;
    const { predecessor, service } = this.#about;
    const ended = once(apps.ended, 'abort');
    const hurried = once(this.#hurry.signal, 'abort');
    this.#hear();
    for (const app of apps.list) if (!app.failure) apps.wire(app);
    service?.begin(standingOf(apps, { warn: (text) => apps.note('warn', 'systemd', text) }));
    if (predecessor)
      this.#lineage.begin((run, maintenance) => {
        run.standing.maintenance = maintenance;
        service?.promote();
        void run.openOutward(run.commands.config.stop.timeoutMs);
      });
    this.#watch.follow(apps.list.map(({ asked }) => asked));
    apps.beginNext();
    for (const app of apps.list) apps.tellWaiting(app);

    await ended;
    const failures = apps.list.flatMap(({ failure }) => failure ?? []);
    const [failure] = failures;
    if (this.#stillborn !== undefined) await predecessor?.failed(failure?.message ?? this.#stillborn);
    // Of several, one that has failed is not the others' fault, and they have been told to stop.
    if (failure && (!apps.isEnding || failures.length === apps.list.length)) throw failure;
    // Node removes the paths of unix sockets when it closes them, and it closes them unless the process is ended.
    if (this.#lineage.isSucceeded) {
      for (const app of apps.list) await app.handOver();
      // What the one before still hands over goes through here.
      if (predecessor) await Promise.race([predecessor.gone(), hurried]);
      await this.#lineage.settled();
      for (const { premises } of apps.list) await premises?.logs.end();
      process.exit(this.#exitCode);
    }
    // systemd kills whatever is left when its main process ends: the predecessor may still have requests to answer.
    if (this.#exitCode === 0 && predecessor) await Promise.race([predecessor.gone(), hurried]);
    await service?.end();
    return this.#exitCode;
  }

  async close(): Promise<void> {
    this.#signals.abort();
    this.#watch.close();
    await this.apps.close();
  }

  #opened(run: FleetRun): void {
    const { version, seen, commanded } = this.#about;
    const { config, log, incidents } = run.premises;
    seen?.({ incidents, metrics: () => run.metrics.scrape() });
    commanded?.(run.commands);
    run.answer();
    log.info(
      `cordon ${version} (Node ${process.versions.node}, pid ${process.pid}) runs ${config.script} in ${count(run.fleet.size, 'worker')}${roundedWords(config.workers)}`,
    );
    if (this.#lineage.leads) void run.openOutward(0);
  }

  #hear(): void {
    const { signal: until } = this.#signals;
    onEnding(until, (signal) => this.#end(signal));
    onSignal(until, 'SIGUSR2', () => void this.#upgrade());
    onSignal(until, 'SIGHUP', () => void this.#renewal.reload({}));
    onSignal(until, 'SIGTTIN', () => void this.#scale(1));
    onSignal(until, 'SIGTTOU', () => void this.#scale(-1));
  }

  #end(signal: Ending): void {
    const { apps } = this;
    // Signals count, not that the fleet stops: it may do so since a successor serves.
    const again = this.#isSignalled;
    this.#isSignalled = true;
    if (again) this.#hurry.abort();
    const isDevelopment = apps.runs.every(({ commands }) => commands.config.watch.program);
    const atOnce = signal === 'SIGQUIT' || (signal === 'SIGINT' && isDevelopment);
    if (again || atOnce) this.#exitCode = 128 + os.constants.signals[signal];
    apps.stop(this.#exitCode !== 0);
  }

  /** Not while a generation is prepared: its successor would do the same at the same time. */
  async #upgrade(): Promise<UpgradeOutcome> {
    await this.#renewal.prepared;
    await Promise.all(this.apps.runs.map(({ commands }) => commands.prepared));
    return this.#lineage.upgrade.start();
  }

  async #scale(by: number): Promise<void> {
    const [run, another] = this.apps.runs;
    const outcome =
      run === undefined || another
        ? { ok: false as const, why: 'several apps run; `cordon scale <app>` says which one' }
        : await run.commands.scale({ by });
    if (outcome.ok) return;
    const said = 'became' in outcome && outcome.became ? 'scale' : 'nothing was changed';
    this.apps.note('warn', 'refused', `${said}: ${outcome.why}`);
  }
}

/** @throws {OperatorError} where the configuration does not know it any more. */
function oneOf(all: readonly Config[], name: string, isAmong: boolean): Config {
  const [only, another] = all;
  const found = only && !another && !isAmong ? only : all.find((config) => config.name === name);
  if (found) return found;
  throw new OperatorError(
    `the configuration has no app called ${name} any more; \`cordon reload\` without a name lets it go`,
    ExitCode.badConfig,
  );
}
