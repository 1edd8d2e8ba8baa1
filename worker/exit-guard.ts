// Programs and error reporters commonly end the process when they hear of an error that nobody caught. While other requests are
// in flight that would be their end too, so such an exit waits: the supervisor has been told, and the worker leaves by itself.
import { AsyncLocalStorage } from 'node:async_hooks';

/** Whether the program's error listeners, or anything they began, is what runs now. */
const reporting = new AsyncLocalStorage<true>();

export type Exit = (code?: number | string | null) => never;

/**
 * Replaces the program's ways to end the process, and returns the real exit. `mustWait` says whether others are in flight in a
 * worker that has met an error: what a listener begins may end in a context of somebody else's, such as a server's `close`.
 */
export function guardExit(mustWait: () => boolean): Exit {
  const exit = process.exit.bind(process);
  const kill = process.kill.bind(process);
  const waits = (): boolean => reporting.getStore() === true || mustWait();
  const guardedExit = (code?: number | string | null): unknown => (waits() ? undefined : exit(code));
  const guardedKill: typeof process.kill = (pid, signal) => {
    const ends = pid === process.pid && signal !== 0;
    return ends && waits() ? true : kill(pid, signal);
  };
  process.exit = guardedExit as typeof process.exit;
  process.kill = guardedKill;
  return exit;
}

/** Runs the program's own listeners. What they throw would end the process in plain Node: that waits, too, and `threw` is told. */
export function runListeners(listeners: () => boolean, threw: (error: unknown) => void): boolean {
  try {
    return reporting.run(true, listeners);
  } catch (error) {
    threw(error);
    return true;
  }
}
