// Errors as workers report them.
import type { Encounter } from '../../supervisor/incidents/incident.js';
import type { ErrorReport } from '../../worker/protocol.js';

export const report = (name: string, message = 'x'): ErrorReport => ({
  name,
  message,
  causes: [],
  origin: 'uncaughtException',
});

export const encounter = (given: Partial<Encounter> = {}): Encounter => ({
  at: 0,
  report: report('E'),
  count: 1,
  worker: 1,
  pid: 100,
  slot: 0,
  release: { generation: 1, since: 0 },
  ...given,
});
