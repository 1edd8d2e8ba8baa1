// All that the control socket shows, and may ask for.
import type { Commands } from '../commands.js';
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
  /** Prometheus text. Without it, /metrics is not found. */
  readonly metrics?: () => string | Promise<string>;
}
