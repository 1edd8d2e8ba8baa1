// What HAProxy's agent-check hears: how much of this machine's share it may be given. Pure.
import { type Fleet, isServing } from '../state.js';

/**
 * One line. HAProxy lifts `drain` only by `ready`, and `down` only by `up`; so every good word says both.
 * `leaving`: it will stop in a moment, and serves on until then.
 * Not `stopped`: whoever asks again before this process is gone would have to be told `up`.
 */
export function answer(fleet: Fleet, leaving: boolean): string {
  if (leaving || fleet.goal !== 'serve') return 'drain\n';
  const serving = fleet.workers.filter(isServing).length;
  const wanted = fleet.slots.length;
  if (serving === 0) return 'down #no worker is ready\n';
  // Never 0 %, which is no request at all, as long as one worker serves.
  return `up ready ${Math.max(1, Math.min(100, Math.floor((100 * serving) / wanted)))}%\n`;
}
