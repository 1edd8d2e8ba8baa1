// A configuration that was read again, brought in: apps that are new start, those that are gone leave, those that changed reload.
import type { Config } from '../../config/config.js';
import type { AppDifference } from '../../config/diff.js';
import { ExitCode, OperatorError } from '../../config/exit-code.js';
import type { AppOutcome, Outcome, Refusal, ReloadAsk, ReloadOutcome, Whole } from '../commands.js';
import { become, type Environment, handedOver, inherited } from '../environment.js';
import { UPGRADING } from '../refusal.js';
import { App } from './app.js';
import type { Apps } from './apps.js';
import type { Question } from './file-watch.js';
import { sharedBy } from './shared.js';
import { waitsFor } from './turns.js';

export interface Sources {
  readonly apps: () => Apps;
  /** Reads the configuration, or another one. @throws {OperatorError} where it is wrong. */
  readonly reread: (environment: Environment, file?: string) => Promise<readonly Config[]>;
  /** Resolves when no supervisor is about to take over from another. */
  readonly quiet: () => Promise<unknown>;
  /** A successor of this supervisor starts. */
  readonly isUpgrading: () => boolean;
  /** Hears of every configuration that is brought in. */
  readonly renewed: (configs: readonly Config[]) => void;
}

type Compare = (before: readonly Config[], after: readonly Config[]) => readonly AppDifference[];
type Became = (ReloadOutcome | Outcome) & { readonly apps?: readonly AppOutcome[] };

export class Renewal implements Whole {
  readonly #sources: Sources;
  #reading: Promise<unknown> = Promise.resolve();

  constructor(sources: Sources) {
    this.#sources = sources;
  }

  /** Resolves when no configuration is being read. */
  get prepared(): Promise<unknown> {
    return this.#reading;
  }

  get isSeveral(): boolean {
    return this.#sources.apps().isSeveral;
  }

  /** What was asked for by hand. A configuration that says nothing new means new code: then every app reloads. */
  async reload(ask: ReloadAsk): Promise<Became> {
    const under = await this.#oneAtATime(() => this.#renew(ask));
    return 'ok' in under ? under : await under.became;
  }

  /** What has changed by itself: only what differs is touched. */
  async follow(question: Question): Promise<void> {
    // Who is about to take over has read it for itself; where that comes to nothing, it is brought in here.
    await this.#sources.quiet();
    await this.#oneAtATime(() => this.#renew(undefined, question));
  }

  async compare(file: string | undefined): Promise<readonly AppDifference[]> {
    const { compare } = await import('../../config/diff.js');
    const running = this.#sources.apps().list.filter(({ phase }) => phase !== 'over');
    return compare(
      running.map(({ asked, run }) => run?.commands.config ?? asked),
      await this.#sources.reread(inherited(), file),
    );
  }

  stop({ now }: { readonly now: boolean }): Promise<void> {
    const apps = this.#sources.apps();
    const all = Promise.all(apps.list.filter(({ phase }) => phase !== 'over').map((app) => app.stopped));
    apps.stop(now);
    return all.then(() => undefined);
  }

  /** The last who asked is the last who is heard; whether it then succeeds, nobody waits for. */
  #oneAtATime<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#reading.then(work);
    this.#reading = done.catch(() => {});
    return done;
  }

  async #renew(
    ask: ReloadAsk | undefined,
    question?: Question,
  ): Promise<Refusal | { readonly became: Promise<Became> }> {
    const apps = this.#sources.apps();
    const was = apps.list.filter(({ isRemoved }) => !isRemoved);
    question?.begin();
    try {
      const environment = ask?.env && handedOver(ask.env);
      const configs = await this.#sources.reread(environment ?? inherited()).catch(async (error: unknown) => {
        if (question && !(await question.isCurrent())) return undefined;
        throw error;
      });
      // The next change is on its way, and is told of then.
      if (configs === undefined || (question && !(await question.isCurrent())))
        return { ok: false, why: 'it has changed meanwhile' };
      sharedBy(configs);
      if (apps.isEnding) return { ok: false, why: 'all apps stop' };
      // Loaded only now: a supervisor that never reloads never needs it.
      const { compare } = await import('../../config/diff.js');
      this.#sources.renewed(configs);
      const [one, another] = was;
      const [config, more] = configs;
      // The only one is the same one, under whatever name: that another name takes a restart is for it to say.
      if (one?.run && config && !another && !more && one.phase !== 'waiting')
        return { became: ask ? this.#reload(one, config, ask) : this.#bring(one, config, compare) };
      if (this.#sources.isUpgrading()) throw new OperatorError(UPGRADING, ExitCode.failed);
      return { became: this.#bringAll(apps, was, configs, ask, compare) };
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      // Nobody is left to be told of it but who has asked.
      if (!apps.isEnding) apps.note('error', 'refused', `nothing was changed: ${error.message}`);
      return { ok: false, why: error.message, exitCode: error.exitCode };
    }
  }

  async #bringAll(
    apps: Apps,
    was: readonly App[],
    configs: readonly Config[],
    ask: ReloadAsk | undefined,
    compare: Compare,
  ): Promise<Became> {
    // One that is over is as good as new, unless somebody has stopped it, and only the file of another has changed.
    const idle = was.filter((app) => isOver(app) && !app.failure && ask === undefined);
    const differences = new Map(
      configs.map((config) => {
        const before = was.find(({ name }) => name === config.name);
        const [difference] = before ? compare([before.asked], [config]) : [];
        return [config.name, difference] as const;
      }),
    );
    const removed = was.filter(({ name }) => !differences.has(name));
    const environment = ask?.env && handedOver(ask.env);
    // Another environment is something new to every one of them.
    const isForAll =
      environment !== undefined ||
      (removed.length === 0 && [...differences.values()].every((one) => one?.what === 'same') && !was.some(isOver));
    const bring = async (config: Config): Promise<AppOutcome | undefined> => {
      const difference = differences.get(config.name);
      const app = was.find(({ name }) => name === config.name);
      if (app && idle.includes(app) && difference?.what === 'same') return undefined;
      if (!app || isOver(app)) return this.#start(apps, new App(config, environment), removed);
      if (difference?.what === 'same' && (ask === undefined || !isForAll)) return undefined;
      if (app.phase === 'waiting') return this.#start(apps, new App(config, environment), removed);
      const became =
        ask && difference?.what === 'same' ? this.#reload(app, config, ask) : this.#bring(app, config, compare, ask);
      return toldOf(app.name, await became);
    };
    const work = configs.map(bring);
    for (const app of removed) this.#remove(apps, app);
    const outcomes = [
      ...removed.map(({ name }): AppOutcome => ({ app: name, ok: true, what: 'is removed, and drains' })),
      ...(await Promise.all(work)).flatMap((outcome) => outcome ?? []),
    ];
    const failed = outcomes.filter(({ ok }) => !ok);
    if (environment && failed.length === 0) become(environment);
    if (failed.length === 0) return { ok: true, apps: outcomes };
    return { ok: false, why: failed.map(({ app, what }) => `${app} ${what}`).join('; '), apps: outcomes };
  }

  /** Nothing is done by halves: what takes a restart is refused, whatever else has changed. */
  async #bring(app: App, config: Config, compare: Compare, ask: ReloadAsk = {}): Promise<ReloadOutcome | Outcome> {
    const { run } = app;
    const [difference] = compare([app.asked], [config]);
    if (!run || difference?.what !== 'changed') return { ok: true };
    if (difference.takes !== 'live' || ask.env) return this.#reload(app, config, ask);
    run.commands.follow(config);
    const keys = difference.changes.map(({ key }) => key).join(', ');
    run.chronicle.note('info', 'reload', `the configuration has changed: ${keys}. No worker is replaced for that`);
    return { ok: true };
  }

  async #reload(app: App, config: Config, ask: ReloadAsk): Promise<ReloadOutcome | Outcome> {
    if (!app.run) return { ok: false, why: 'it has no fleet' };
    app.pending = config;
    const outcome = await app.run.commands.reload(ask, () => Promise.resolve(config));
    // Something else may have been asked for meanwhile.
    if (app.pending === config) app.pending = undefined;
    return outcome;
  }

  async #start(apps: Apps, app: App, leaving: readonly App[]): Promise<AppOutcome> {
    const former = apps.list.find(({ name }) => name === app.name);
    if (former && former.phase === 'waiting') {
      former.isRemoved = true;
      former.run?.stop(true);
    }
    // A new name may be all that has changed: then both want the same addresses.
    await apps.add(app, former ? [former, ...leaving] : leaving);
    apps.beginNext();
    apps.tellWaiting(app);
    const waiting = waitsFor(app, apps.list);
    if (app.phase === 'waiting' && waiting.length > 0)
      return { app: app.name, ok: true, what: `waits for ${waiting.join(' and ')}` };
    await app.settled;
    if (app.phase === 'ready') return { app: app.name, ok: true, what: 'has started' };
    return {
      app: app.name,
      ok: false,
      what: `did not start: ${app.failure?.message ?? 'its workers fail again and again'}`,
    };
  }

  #remove(apps: Apps, app: App): void {
    app.isRemoved = true;
    apps.note('info', 'removed', `${app.name} is not in the configuration any more, and leaves`);
    if (app.phase === 'over') apps.forget(app);
    else app.run?.stop(false);
  }
}

function toldOf(app: string, outcome: ReloadOutcome | Outcome): AppOutcome {
  if (!outcome.ok) return { app, ok: false, what: `was not reloaded: ${outcome.why}` };
  return {
    app,
    ok: true,
    what: 'generation' in outcome ? `serves generation ${outcome.generation}` : 'has changed without a reload',
  };
}

const isOver = ({ phase }: App): boolean => phase === 'over';
