// The supervisor before this one, and the one after it: what the apps here have from the one and give to the other. All of them are
// taken over, or none.
import type { App } from './apps/app.js';
import type { Apps } from './apps/apps.js';
import type { FleetRun } from './fleet-run.js';
import { GRACE_MS } from './policy.js';
import { hindrance, type TakenBack, takenBack } from './refusal.js';
import { serving } from './standing.js';
import type { Observer } from './supervisor.js';
import type { Service } from './systemd/service.js';
import { type Debut, debut } from './upgrade/debut.js';
import { Kin } from './upgrade/kin.js';
import { Passing } from './upgrade/passing.js';
import type { Predecessor } from './upgrade/predecessor.js';
import type { Scale } from './upgrade/protocol.js';
import { Upgrade } from './upgrade/upgrade.js';

/** What a successor of the supervisor may take beside its workers: to start, and to read its configuration. */
const BOOT_MS = 15_000;

export interface Ancestry {
  /** Where this process was started, by the name that led there. */
  readonly folder: string;
  readonly predecessor: Predecessor | undefined;
  readonly service: Service | undefined;
  /** The apps that it starts with. */
  readonly names: readonly string[];
}

export class Lineage {
  readonly upgrade: Upgrade;
  readonly #apps: () => Apps;
  readonly #predecessor: Predecessor | undefined;
  readonly #kin: Kin;
  readonly #told: (verdict: Debut) => void;
  /** Those that must serve before the predecessor may go. */
  readonly #awaited: Set<string>;
  readonly #debut = new AbortController();
  readonly #rejected = new Map<string, TakenBack | undefined>();
  /** The predecessor has stepped back: until then all that was inherited is its own, whatever becomes of the fleets here. */
  #leads: boolean;
  #passing: Passing | undefined;

  /** `told` hears once whether the apps have made it, where a predecessor waits for that. */
  constructor(apps: () => Apps, { folder, predecessor, service, names }: Ancestry, told: (verdict: Debut) => void) {
    this.#apps = apps;
    this.#predecessor = predecessor;
    this.#kin = new Kin(predecessor?.apps ?? [], names);
    this.#told = told;
    this.#awaited = new Set(predecessor && this.#kin.awaited);
    this.#leads = predecessor === undefined;
    const note = (level: 'info' | 'error') => (text: string) => apps().note(level, 'upgrade', text);
    this.upgrade = new Upgrade({
      folder,
      log: { info: note('info'), error: note('error') },
      hindrance: () => this.#hindrance(),
      bequeath: () => apps().runs.flatMap(bequest),
      apps: () =>
        apps().runs.map((run) => ({
          name: nameOf(run),
          scale: run.commands.scaleNow(),
          serves: serving(run.fleet) > 0,
        })),
      heritage: (firstFd) => service?.heritage(firstFd),
      maintained: () =>
        apps()
          .runs.filter(({ standing }) => standing.maintenance)
          .map(nameOf),
      // They may have to wait for one another.
      readyMs: () => apps().runs.reduce((all, run) => all + bootMs(run), BOOT_MS),
      retire: async ({ pid, child }) => {
        const passing = new Passing(child, {
          keep: (app) => this.#keep(app),
          back: (app, moved, handle) => this.#run(app)?.relay.adopt(moved, handle),
        });
        for (const run of apps().runs) passing.count(nameOf(run), run.metrics.bequeath());
        await service?.handOver(pid);
        this.#passing = passing;
        apps().retire((run) => run.retire((moved, handle) => passing.pass(nameOf(run), moved, handle)));
      },
    });
  }

  /** How many workers the predecessor had of this app. */
  scaleOf(app: string): Scale | undefined {
    return this.#kin.will(app)?.scale;
  }

  former(app: string): string | undefined {
    return this.#kin.will(app)?.name;
  }

  /** The predecessor goes on until this app, and others, serve. */
  awaits(app: string): boolean {
    return this.#awaited.has(app);
  }

  /** Whether this process speaks for this machine. */
  get leads(): boolean {
    return this.#leads;
  }

  /** Resolves when no supervisor is about to take over from another here. */
  async quiet(): Promise<void> {
    if (this.#awaited.size > 0 && !this.#debut.signal.aborted)
      await new Promise((resolve) => this.#debut.signal.addEventListener('abort', resolve));
    await this.upgrade.over;
  }

  observe({ name, run }: Pick<App, 'name' | 'run'>, ...[event, before, after, effects]: Parameters<Observer>): void {
    this.#rejected.set(name, takenBack(this.#rejected.get(name), effects, event.type === 'restart-asked'));
    const former = this.former(name);
    // Who still drains there is to hand over no more to a fleet that ends.
    if (former !== undefined && before.goal === 'serve' && after.goal !== 'serve' && !this.isSucceeded)
      this.#predecessor?.keep(former);
    if (!this.awaits(name) || run === undefined) return;
    const verdict = debut(event, before, after, run.commands.config.ready.quorum);
    if (verdict?.type === 'ready') this.#awaited.delete(name);
    if (verdict === undefined || (verdict.type === 'ready' && this.#awaited.size > 0)) return;
    this.#awaited.clear();
    if (verdict.type === 'ready') this.#takeOver();
    this.#told(
      verdict.type === 'failed' && this.#apps().isSeveral ? { ...verdict, why: `${name}: ${verdict.why}` } : verdict,
    );
    if (verdict.type === 'ready') this.#predecessor?.ready();
    this.#debut.abort();
  }

  /** Before the first worker starts. */
  begin(left: (run: FleetRun, maintenance: boolean) => void): void {
    const heir = (app: string): FleetRun | undefined => this.#run(this.#kin.heir(app));
    this.#predecessor?.counted((app, legacy) => heir(app)?.metrics.inherit(legacy));
    this.#predecessor?.passes(
      (app) => heir(app)?.relay.adopts === true,
      (app, moved, handle) => heir(app)?.relay.adopt(moved, handle),
    );
    this.#predecessor?.left((maintained) => {
      this.#leads = true;
      for (const run of this.#apps().runs) {
        run.premises.sockets.lead();
        if (this.#awaited.size === 0) run.premises.sockets.disclaim();
        left(run, maintained.includes(this.former(nameOf(run)) ?? nameOf(run)));
      }
    });
  }

  /** A successor serves in the place of this process. */
  get isSucceeded(): boolean {
    return this.#passing !== undefined;
  }

  /** Resolves when the successor has all that it is to have. */
  async settled(): Promise<void> {
    for (const { run } of this.#apps().list) if (run) this.#passing?.count(nameOf(run), run.metrics.bequeath());
    await this.#passing?.settled(GRACE_MS);
  }

  #run(app: string | undefined): FleetRun | undefined {
    return this.#apps().list.find(({ name }) => name === app)?.run;
  }

  #takeOver(): void {
    for (const { premises } of this.#apps().runs) {
      premises.control.takeOver();
      if (this.#leads) premises.sockets.disclaim();
    }
  }

  /** The successor takes no more, so that nobody does whose connections go to it by way of this process. */
  #keep(app: string | undefined): void {
    for (const { name, run } of this.#apps().list) {
      if (app !== undefined && name !== app) continue;
      run?.relay.unfollow();
      const former = this.former(name);
      if (former !== undefined) this.#predecessor?.keep(former);
    }
  }

  #hindrance(): string | undefined {
    const { list, runs, isSeveral, isEnding } = this.#apps();
    for (const run of runs) {
      const { fleet, isLeaving } = run;
      const why = hindrance(fleet, {
        isReplaced: this.isSucceeded,
        isLeaving,
        rejected: this.#rejected.get(nameOf(run)),
      });
      if (why !== undefined) return isSeveral && !isEnding ? `${nameOf(run)}: ${why}` : why;
    }
    const inFlux = list.find(({ isRemoved, run, phase }) => phase !== 'over' && (isRemoved || run === undefined));
    if (runs.length === 0 && !inFlux) return 'this supervisor is stopping';
    return inFlux && `${inFlux.name} comes or goes: ask again when it has`;
  }
}

const nameOf = ({ premises }: FleetRun): string => premises.config.name;

const bequest = (run: FleetRun) =>
  run.premises.sockets
    .bequeath()
    .map(({ heirloom, ...one }) => ({ ...one, heirloom: { ...heirloom, app: nameOf(run) } }));

function bootMs({ fleet, premises }: FleetRun): number {
  const { before, ready } = premises.config;
  return (before.command.length === 0 ? 0 : before.timeoutMs) + ready.timeoutMs * fleet.slots.length;
}
