// What of a configuration the fleet's machine follows.
import type { Config } from '../config/config.js';
import type { ReloadAsk } from './commands.js';
import type { Plan } from './reload-state.js';
import type { Policy } from './state.js';

/** How much later than a worker's own kill timer its SIGKILL comes. */
export const GRACE_MS = 2000;

export const policyOf = ({ ready, boot, fault, stop, restart, reload, health, limits }: Config): Policy => ({
  readyTimeoutMs: ready.timeoutMs,
  killTimeoutMs: fault.killTimeoutMs,
  stopTimeoutMs: stop.timeoutMs,
  graceMs: GRACE_MS,
  backoff: restart.backoff,
  intensity: restart.intensity,
  bootConcurrency: boot.concurrency,
  health,
  limits: { ...limits, surge: reload.surge },
  giveUpAt: restart.giveUp,
});

export function planOf({ reload, ready }: Config, { canary, bakeMs }: ReloadAsk): Plan {
  const wanted = canary ?? (bakeMs === undefined ? reload.canary : true);
  return {
    surge: reload.surge,
    rollback: reload.rollback,
    readyTimeoutMs: ready.timeoutMs,
    canary: wanted ? { bakeMs: bakeMs ?? reload.bakeMs, maxErrorRatio: reload.maxErrorRatio } : undefined,
  };
}
