// The commands of `commands.ts`, carried out: each becomes a fact that the machine is told, and an answer read from its turns.
import type { Config } from '../config/config.js';
import type { Commands, Outcome, ReloadOutcome, ScaleOutcome, UpgradeOutcome } from './commands.js';
import type { History } from './history.js';
import { isServing } from './state.js';
import { type FleetStatus, type Particulars, stateOf, workerStatus } from './status.js';
import type { Supervisor } from './supervisor.js';

/** What the commands need of everything else. */
export interface Means {
  readonly config: Config;
  readonly version: string;
  readonly supervisor: Supervisor;
  readonly history: History;
  readonly particulars: (id: number) => Particulars | undefined;
  /** As a signal does it. */
  readonly stop: (now: boolean) => void;
  readonly stopped: Promise<unknown>;
  readonly upgrade: () => Promise<UpgradeOutcome>;
}

const startedAt = Date.now() - Math.round(performance.now());
const NOT_YET = { ok: false, why: 'this command is not there yet' } as const;

export class FleetCommands implements Commands {
  readonly #means: Means;

  constructor(means: Means) {
    this.#means = means;
  }

  status(): FleetStatus {
    const { config, version, supervisor, history, particulars } = this.#means;
    const { fleet } = supervisor;
    return {
      name: config.name,
      script: config.script,
      pid: process.pid,
      version,
      node: process.versions.node,
      since: startedAt,
      state: stateOf(fleet),
      generation: fleet.generation,
      size: fleet.slots.length,
      serving: fleet.workers.filter(isServing).length,
      slots: fleet.slots.map((_, slot) => ({ slot, ...history.of(slot) })),
      workers: fleet.workers.map((worker) => workerStatus(worker, particulars(worker.id))),
    };
  }

  reload(): Promise<ReloadOutcome> {
    return Promise.resolve({ ...NOT_YET, generation: this.#means.supervisor.fleet.generation, lastWords: [] });
  }

  restart(): Promise<Outcome> {
    return Promise.resolve(NOT_YET);
  }

  scale(): Promise<ScaleOutcome> {
    return Promise.resolve(NOT_YET);
  }

  drain(): Promise<Outcome> {
    return Promise.resolve(NOT_YET);
  }

  upgrade(): Promise<UpgradeOutcome> {
    return this.#means.upgrade();
  }

  async stop({ now }: { readonly now: boolean }): Promise<void> {
    this.#means.stop(now);
    await this.#means.stopped;
  }

  progress(): () => void {
    return () => {};
  }
}
