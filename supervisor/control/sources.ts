// All that the control socket shows, and may ask for.
import type { Commands, Whole } from '../commands.js';
import type { BookFigures, IncidentBook } from '../incidents/incidents.js';
import type { Journal } from '../journal.js';
import type { Looking } from '../look/looking.js';
import type { Release } from '../releases.js';

export interface Sources {
  /** Of the newest generation. */
  readonly config: () => Release;
  readonly commands: Commands;
  readonly journal: Journal;
  readonly incidents: IncidentBook & { readonly figures: BookFigures };
  readonly looking: Pick<Looking, 'profile' | 'inspect'>;
  /** Begins log files anew, for logrotate. Resolves to which, and why one cannot be; it is written on then. */
  readonly reopen?: () => Promise<{ readonly files: readonly string[]; readonly why: string | undefined }>;
  /** Prometheus text. Without it, /metrics is not found. */
  readonly metrics?: () => string | Promise<string>;
  /** All apps of the process. Without it, this one is all that there is. */
  readonly whole?: Whole;
}
