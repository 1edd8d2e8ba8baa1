// What a worker says of itself, over and over: how much it has answered, and how late its event loop is. One small message a beat,
// and a counter a request, are all that it costs.
import { current } from './domain/current.js';
import type { Beat } from './protocol.js';

type Account = Omit<Beat, 'lagMs' | 'utilization' | 'rss' | 'heap' | 'heapShare' | 'cpuMs'>;

/** What is returned beats at once: the last word of a worker that leaves. */
export function beat(everyMs: number, account: () => Account, tell: (beat: Beat) => void): () => void {
  let due = performance.now() + everyMs;
  let before = performance.eventLoopUtilization();
  const again = (): void => {
    const now = performance.now();
    const since = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(since, before);
    before = since;
    // Loaded by the first beat: no boot waits for it.
    const { used_heap_size: heap, heap_size_limit: most } = process.getBuiltinModule('node:v8').getHeapStatistics();
    const { user, system } = process.cpuUsage();
    const lagMs = Math.max(0, Math.round(now - due));
    const rss = process.memoryUsage.rss();
    tell({ ...account(), lagMs, utilization, rss, heap, heapShare: heap / most, cpuMs: (user + system) / 1000 });
    due = now + everyMs;
    timer.refresh();
  };
  // A program that has nothing left to do ends, beats or not.
  const timer = current.run(undefined, () => setTimeout(again, everyMs).unref());
  return again;
}
