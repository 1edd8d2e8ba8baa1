// Programs and error reporters commonly end the process when they hear of an error that nobody caught. While other requests are
// in flight that would be their end too, so such an exit waits: the supervisor has been told, and the worker leaves by itself.
import { AsyncLocalStorage } from 'node:async_hooks';

/** Whether the program's error listeners, or anything they began, is what runs now. */
const reporting = new AsyncLocalStorage<true>();

export type Exit = (code?: number | string | null) => never;

/** Replaces `process.exit`, and returns the real one. */
export function guardExit(): Exit {
  const exit = process.exit.bind(process);
  const guarded = (code?: number | string | null): unknown => (reporting.getStore() ? undefined : exit(code));
  process.exit = guarded as typeof process.exit;
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
