// Pure: how far a change of the fleet is, and when it is over.
import type { Outcome, Progress } from './commands.js';
import { type Fleet, healthy, isCurrent, isLive, isServing } from './state.js';
import type { Observer } from './supervisor.js';
import { count } from './words.js';

/** A change under way. */
export interface Changing {
  readonly generation: number;
  readonly since: number;
  /** What was last said of it. */
  told: string;
}

/** What this turn says of a change: all that is wanted serves and nobody else does, or a worker (of this slot) did not get ready. */
export function settles([event, before, after, effects]: Parameters<Observer>, slot?: number): Outcome | undefined {
  if (after.goal !== 'serve') return { ok: false, why: 'the fleet stops', became: 'stopping' };
  const lost = (id: number): number | undefined => {
    const worker = before.workers.find((one) => one.id === id);
    const isOurs = worker?.phase === 'booting' && (slot === undefined || worker.slot === slot);
    return isOurs && isCurrent(after, worker) ? id : undefined;
  };
  const { size, workers } = after;
  const goesOn = (what: string): Outcome => ({
    ok: false,
    why: `${what}; the next one is tried, and ${workers.filter(isServing).length} of ${count(size, 'worker')} serve meanwhile`,
    became: 'goes-on',
  });
  const died = event.type === 'exited' ? lost(event.id) : undefined;
  if (died !== undefined) return goesOn(`worker ${died} died before it was ready`);
  for (const effect of effects)
    if (effect.type === 'kill' && effect.because === 'stalled' && lost(effect.id) !== undefined)
      return goesOn(`worker ${effect.id} was not ready in time`);
  if (slot !== undefined) return undefined;
  const live = after.workers.filter(isLive);
  const whole = healthy(after) >= after.size && live.length === after.slots.length;
  return whole && live.every((worker) => isCurrent(after, worker) && worker.phase !== 'booting')
    ? { ok: true }
    : undefined;
}

export function progressOf(fleet: Fleet, { generation, since }: Changing, now: number): Progress {
  const ready = fleet.workers.filter((one) => one.phase === 'ready' && one.generation === generation).length;
  const booting = fleet.workers.filter(({ phase }) => phase === 'booting').length;
  const elapsedMs = now - since;
  const text = `${ready}/${fleet.size} workers ready (${booting} booting, ${Math.floor(elapsedMs / 1000)} s)`;
  return { text, ready, wanted: fleet.size, booting, elapsedMs };
}
