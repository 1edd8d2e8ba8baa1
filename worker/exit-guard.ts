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
  const abort = process.abort.bind(process);
  const reallyExit = Reflect.get(process, 'reallyExit') as (code?: unknown) => never;
  const waits = (): boolean => reporting.getStore() === true || mustWait();
  let leaves = false;
  const leave: Exit = (code) => {
    leaves = true;
    return exit(code);
  };
  const guardedKill: typeof process.kill = (pid, signal) => {
    // A worker leads a process group of its own.
    const ends = (pid === 0 || Math.abs(pid) === process.pid) && signal !== 0;
    return ends && waits() ? true : kill(pid, signal);
  };
  const guarded = {
    exit: (code?: number | string | null): unknown => (waits() ? undefined : leave(code)),
    kill: guardedKill,
    // For the sake of a core dump.
    abort: (): unknown => (waits() ? undefined : abort()),
    // What `process.exit` calls in the end, and those programs which want no `exit` event.
    reallyExit: (code?: unknown): unknown => (waits() && !leaves ? undefined : reallyExit.call(process, code)),
  };
  Object.assign(process, guarded);
  return leave;
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
