// What a worker says of itself, over and over: how much it has answered, and how late its event loop is. One small message a beat,
// and a counter a request, are all that it costs.
import { current } from './domain/current.js';
import type { Beat } from './protocol.js';

type Account = Pick<Beat, 'served' | 'failed' | 'inFlight' | 'connections'>;

export function beat(everyMs: number, account: () => Account, tell: (beat: Beat) => void): void {
  let due = performance.now() + everyMs;
  let before = performance.eventLoopUtilization();
  const again = (): void => {
    const now = performance.now();
    const since = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(since, before);
    before = since;
    tell({ ...account(), lagMs: Math.max(0, Math.round(now - due)), utilization, rss: process.memoryUsage.rss() });
    due = now + everyMs;
    timer.refresh();
  };
  // A program that has nothing left to do ends, beats or not.
  const timer = current.run(undefined, () => setTimeout(again, everyMs).unref());
}
