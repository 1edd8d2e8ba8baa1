// What the endpoints that read answer with: the fleet's own status, with what the system and the book add to it.
import type { FleetStatus, WorkerStatus } from '../status.js';
import { type StatusReply, VERSION, type WorkerDocument, type WorkerReply } from './protocol.js';
import type { Sources } from './sources.js';
import type { Usages } from './usage.js';

export function statusReply(sources: Sources, usages: Usages, now = Date.now()): StatusReply {
  const status = sources.commands.status();
  const { version: cordon, workers, ...fleet } = status;
  usages.keep([status.pid, ...workers.flatMap(({ pid }) => pid ?? [])]);
  const { figures } = sources.incidents;
  return {
    ...fleet,
    version: VERSION,
    cordon,
    uptimeMs: now - status.since,
    ...usages.of(status.pid, status.since, now),
    errors: { incidents: figures.new + figures.known + figures.resolved + figures.returned, ...figures },
    workers: workers.map((worker) => workerReply(worker, status, sources, usages, now)),
  };
}

function workerReply(
  { beat, ...worker }: WorkerStatus,
  { slots }: FleetStatus,
  sources: Sources,
  usages: Usages,
  now: number,
): WorkerReply {
  const slot = slots.find((one) => one.slot === worker.slot);
  return {
    ...worker,
    uptimeMs: now - worker.since,
    errors: sources.journal.errorsOf(worker.id),
    restarts: slot?.restarts ?? 0,
    lastEnd: slot?.lastEnd,
    ...(worker.pid !== undefined && usages.of(worker.pid, worker.since, now)),
    ...(beat && {
      requests: beat.served,
      failed: beat.failed,
      inFlight: beat.inFlight,
      connections: beat.connections,
      lagMs: beat.lagMs,
      utilisation: beat.utilization,
    }),
  };
}

export function workerDocument(id: number, sources: Sources, usages: Usages): WorkerDocument | undefined {
  const status = sources.commands.status();
  const worker = status.workers.find((one) => one.id === id);
  if (!worker) return undefined;
  return { version: VERSION, name: status.name, ...workerReply(worker, status, sources, usages, Date.now()) };
}
