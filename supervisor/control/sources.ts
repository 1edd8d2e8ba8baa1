// All that the control socket shows, and may ask for.
import type { Config } from '../../config/config.js';
import type { Commands } from '../commands.js';
import type { Journal } from '../journal.js';
import type { Counts, IncidentReply } from './protocol.js';

/** The book of errors, as the socket shows it. */
export interface Incidents {
  list(): readonly IncidentReply[];
  /** Everything about one; undefined where there is none of this id. */
  show(id: string): IncidentReply | undefined;
  /** False where there is none of this id. */
  resolve(id: string): boolean;
}

export interface Sources {
  readonly config: Config;
  readonly commands: Commands;
  readonly journal: Journal;
  readonly incidents: Incidents;
  /** Prometheus text. Without it, /metrics is not found. */
  readonly metrics?: () => string | Promise<string>;
  /** What a worker counts of itself. */
  readonly counts?: (worker: number) => Counts | undefined;
}
