// Pure: why an order cannot be taken, or an upgrade cannot begin.
import type { Refusal } from './commands.js';
import type { Effect } from './effect.js';
import { whyNot } from './narrate-change.js';
import type { Failure } from './reload-state.js';
import type { Fleet } from './state.js';

/** What the process is about, besides its fleet. */
export interface Lineal {
  readonly isReplaced: boolean;
  readonly isUpgrading: boolean;
}

/** The fleet was ended while something was under way, or before. */
export const ending = ({ isReplaced }: Lineal): Refusal =>
  isReplaced
    ? { ok: false, why: 'this supervisor was replaced: ask its successor', became: 'replaced' }
    : { ok: false, why: 'the fleet stops', became: 'stopping' };

export const UPGRADING = 'an upgrade is under way: ask again when it is over';

/** Why a change cannot begin now. */
export function refusal({ goal }: Fleet, lineal: Lineal): Refusal | undefined {
  if (goal !== 'serve') return ending(lineal);
  // The successor has its size and its configuration by now.
  return lineal.isUpgrading ? { ok: false, why: UPGRADING } : undefined;
}

/** A generation that was watched, and taken back. */
export interface TakenBack {
  readonly generation: number;
  readonly why: string;
}

const JUDGED = new Set<Failure['type']>(['crashed', 'errors', 'faults', 'late', 'silent', 'mute']);

/** The last generation that served and was taken back, unless another one has been accepted since. */
export function takenBack(
  was: TakenBack | undefined,
  effects: readonly Effect[],
  accepted: boolean,
): TakenBack | undefined {
  let now = accepted ? undefined : was;
  for (const effect of effects) {
    if (effect.type !== 'reloaded') continue;
    const { failure, generation } = effect;
    if (failure === undefined) now = undefined;
    else if (JUDGED.has(failure.type)) now = { generation, why: whyNot(failure) };
  }
  return now;
}

/** Why the supervisor cannot be replaced now: its successor starts what is there, all of it at once, and watches nobody. */
export function hindrance(
  { goal, reload }: Fleet,
  { isReplaced, isLeaving, rejected }: { isReplaced: boolean; isLeaving: boolean; rejected: TakenBack | undefined },
): string | undefined {
  if (isReplaced) return 'this supervisor was replaced: ask its successor';
  if (goal !== 'serve' || isLeaving) return 'this supervisor is stopping';
  if (reload) return `the reload of generation ${reload.generation} is under way: ask again when it is over`;
  if (rejected)
    return `generation ${rejected.generation} was taken back (${rejected.why}), and a successor would start all workers with it: put a good release in its place and reload first`;
  return undefined;
}
