// What HAProxy's agent-check hears: how much of this machine's share it may be given. Pure.
import { type Stand, serving } from '../standing.js';
import type { Fleet } from '../state.js';

/**
 * One line. HAProxy lifts `drain` and `maint` only by `ready`, and `down` only by `up`; so every good word says both.
 * Not `stopped`: whoever asks again before this process is gone would have to be told `up`.
 */
export function answer(fleet: Fleet, stand: Stand): string {
  if (stand === 'leaving') return 'drain\n';
  if (stand === 'maintenance') return 'maint\n';
  const ready = serving(fleet);
  if (ready === 0) return 'down #no worker is ready\n';
  // Never 0 %, which is no request at all, as long as one worker serves. By its weight a fleet that starts is warmed up, so the
  // quorum does not matter here.
  return `up ready ${Math.max(1, Math.min(100, Math.floor((100 * ready) / fleet.size)))}%\n`;
}
