// Whether a fleet that is to take over from another has made it. Pure: asked after every turn until it says something.
import type { Config } from '../../config/config.js';
import type { Event } from '../event.js';
import { quorumOf, serving } from '../standing.js';
import type { Fleet } from '../state.js';

export type Debut = { readonly type: 'ready' } | { readonly type: 'failed'; readonly why: string };

/**
 * A first worker that fails is reason enough: the predecessor's fleet serves, and a release that does not boot must cost nothing.
 */
export function debut(event: Event, before: Fleet, after: Fleet, quorum: Config['ready']['quorum']): Debut | undefined {
  if (before.goal !== 'serve' || after.goal !== 'serve') return { type: 'failed', why: 'it was told to stop' };
  if (event.type === 'exited') {
    const worker = before.workers.find(({ id }) => id === event.id);
    if (worker?.phase === 'booting') return { type: 'failed', why: `its worker ${event.id} ended before it was ready` };
  }
  const late = after.workers.find(({ phase, id }) => phase === 'killing' && phaseOf(before, id) === 'booting');
  if (late) return { type: 'failed', why: `its worker ${late.id} was not ready in time` };
  return serves(after, quorum) ? { type: 'ready' } : undefined;
}

/** The quorum is reached; without one, every slot has somebody who is ready. */
export function serves(fleet: Fleet, quorum: Config['ready']['quorum']): boolean {
  if (quorum !== 'all') return serving(fleet) >= quorumOf(quorum, fleet.size);
  return fleet.slots.every((_, slot) =>
    fleet.workers.some((worker) => worker.slot === slot && (worker.phase === 'ready' || worker.phase === 'standby')),
  );
}

const phaseOf = (fleet: Fleet, id: number): string | undefined =>
  fleet.workers.find((worker) => worker.id === id)?.phase;
