// What the commands need of everything else.
import type { Config } from '../config/config.js';
import type { OperatorError } from '../config/exit-code.js';
import type { Before } from './before.js';
import type { UpgradeOutcome } from './commands.js';
import type { Environment } from './environment.js';
import type { History } from './history.js';
import type { Lineal } from './refusal.js';
import type { Releases } from './releases.js';
import type { Standing } from './standing.js';
import type { Policy } from './state.js';
import type { FleetStatus, Particulars } from './status.js';
import type { Supervisor } from './supervisor.js';

export interface Means {
  readonly config: Config;
  readonly version: string;
  readonly supervisor: Supervisor;
  readonly releases: Releases;
  readonly history: History;
  /** Asks everybody again who was asked at the start. @throws {OperatorError} */
  readonly reread: (environment: Environment) => Promise<Config>;
  readonly policyOf: (config: Config) => Policy;
  /** Binds what a new configuration adds. @throws {OperatorError} */
  readonly pin: (added: Config['listen']) => Promise<void>;
  /** Gives up what was bound for a generation that came to nothing. */
  readonly unpin: (added: Config['listen']) => void;
  readonly lastWords: (worker: number) => Promise<readonly string[]>;
  readonly particulars: (id: number) => Particulars | undefined;
  readonly refused: (why: string) => void;
  /** What holds for the whole fleet is another configuration's now. */
  readonly adopted: (config: Config) => void;
  /** When the schedule replaces all workers next. */
  readonly recycleAt: () => number | undefined;
  readonly before: Before;
  /** The first start is hopeless. */
  readonly giveUp: (error: OperatorError) => void;
  /** As a signal does it. */
  readonly stop: (now: boolean) => void;
  readonly stopped: Promise<unknown>;
  readonly standing: Standing;
  readonly maintain: (on: boolean) => void;
  readonly lineal: () => Lineal;
  readonly upgrade: () => Promise<UpgradeOutcome>;
  /** The other apps of the process, and those that this one waits for. */
  readonly company: () => Pick<FleetStatus, 'beside' | 'waitsFor'>;
}
