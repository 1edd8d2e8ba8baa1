// The supervisor before this one, and the one after it: what this fleet has from the one and gives to the other.
import type { FleetRun } from './fleet-run.js';
import { GRACE_MS } from './policy.js';
import { hindrance, type TakenBack, takenBack } from './refusal.js';
import type { Observer } from './supervisor.js';
import type { Service } from './systemd/service.js';
import { type Debut, debut } from './upgrade/debut.js';
import { Passing } from './upgrade/passing.js';
import type { Predecessor } from './upgrade/predecessor.js';
import { Upgrade } from './upgrade/upgrade.js';

/** What a successor of the supervisor may take beside its workers: to start, and to read its configuration. */
const BOOT_MS = 15_000;

export interface Ancestry {
  /** Where this process was started, by the name that led there. */
  readonly folder: string;
  readonly predecessor: Predecessor | undefined;
  readonly service: Service | undefined;
}

export class Lineage {
  readonly upgrade: Upgrade;
  readonly #run: () => FleetRun;
  readonly #predecessor: Predecessor | undefined;
  readonly #told: (verdict: Debut) => void;
  #awaited: boolean;
  #rejected: TakenBack | undefined;
  /** The predecessor has stepped back: until then all that was inherited is its own, whatever becomes of this fleet. */
  #leads = false;
  #passing: Passing | undefined;

  /** `told` hears once whether the fleet has made it, where a predecessor waits for that. */
  constructor(run: () => FleetRun, { folder, predecessor, service }: Ancestry, told: (verdict: Debut) => void) {
    this.#run = run;
    this.#predecessor = predecessor;
    this.#told = told;
    this.#awaited = predecessor !== undefined;
    this.upgrade = new Upgrade({
      folder,
      log: {
        info: (text) => run().chronicle.note('info', 'upgrade', text),
        error: (text) => run().chronicle.note('error', 'upgrade', text),
      },
      hindrance: () =>
        hindrance(run().fleet, {
          isReplaced: this.isSucceeded,
          isLeaving: run().isLeaving,
          rejected: this.#rejected,
        }),
      bequeath: () => run().premises.sockets.bequeath(),
      scale: () => run().commands.scaleNow(),
      heritage: (firstFd) => service?.heritage(firstFd),
      maintenance: () => run().standing.maintenance,
      readyMs: () => {
        const { fleet, premises } = run();
        const { before, ready } = premises.config;
        return (before.command.length === 0 ? 0 : before.timeoutMs) + ready.timeoutMs * fleet.slots.length + BOOT_MS;
      },
      retire: async ({ pid, child }) => {
        const passing = new Passing(child, {
          keep: () => this.#keep(),
          back: (moved, handle) => run().relay.adopt(moved, handle),
        });
        passing.count(run().metrics.bequeath());
        await service?.handOver(pid);
        this.#passing = passing;
        run().retire(passing);
      },
    });
  }

  readonly observe: Observer = (event, before, after, effects) => {
    this.#rejected = takenBack(this.#rejected, effects, event.type === 'restart-asked');
    // Who still drains there is to hand over no more to a fleet that ends.
    if (before.goal === 'serve' && after.goal !== 'serve' && !this.isSucceeded) this.#predecessor?.keep();
    const { quorum } = this.#run().commands.config.ready;
    const verdict = this.#awaited ? debut(event, before, after, quorum) : undefined;
    if (verdict === undefined) return;
    this.#awaited = false;
    if (verdict.type === 'ready') this.#run().premises.control.takeOver();
    if (verdict.type === 'ready' && this.#leads) this.#run().premises.sockets.disclaim();
    this.#told(verdict);
    if (verdict.type === 'ready') this.#predecessor?.ready();
  };

  /** Before the first worker starts. */
  begin(left: (maintenance: boolean) => void): void {
    const { metrics, relay, premises } = this.#run();
    this.#predecessor?.counted((legacy) => metrics.inherit(legacy));
    this.#predecessor?.passes(
      () => relay.adopts,
      (moved, handle) => relay.adopt(moved, handle),
    );
    this.#predecessor?.left((maintenance) => {
      this.#leads = true;
      premises.sockets.lead();
      if (!this.#awaited) premises.sockets.disclaim();
      left(maintenance);
    });
  }

  /** A successor serves in the place of this process. */
  get isSucceeded(): boolean {
    return this.#passing !== undefined;
  }

  /** The successor takes no more, so that nobody does whose connections go to it by way of this process. */
  #keep(): void {
    this.#run().relay.unfollow();
    this.#predecessor?.keep();
  }

  /** Resolves when the successor has all that it is to have. */
  async settled(): Promise<void> {
    this.#passing?.count(this.#run().metrics.bequeath());
    await this.#passing?.settled(GRACE_MS);
  }
}
