// The worker's end of what joins it to its supervisor: typed messages over Node's IPC channel, and a lifeline. The channel alone
// does not tell that a supervisor is gone (with handles queued on it no `disconnect` comes); the pipe's end does, at once.
import type { SendHandle } from 'node:child_process';
import net from 'node:net';
import { type FromWorker, LIFELINE_FD, open, seal, type ToWorker } from './protocol.js';

export interface Channel {
  /** Never throws; a message to a supervisor that is gone is dropped. */
  tell(message: FromWorker, sent?: () => void): void;
  /** With a handle, which stays the caller's: to be closed when the supervisor has it. */
  give(message: FromWorker, handle: unknown): void;
}

export interface Hearing {
  readonly order: (message: ToWorker, handle: unknown) => void;
  /** The supervisor is gone, however it went. */
  readonly orphaned: () => void;
}

export function openChannel({ order, orphaned }: Hearing): Channel {
  const send = process.send?.bind(process);
  if (send === undefined) throw new Error('cordon: a worker needs an IPC channel');
  process.on('internalMessage' as 'message', (message: unknown, handle: unknown) => {
    const opened = open(message) as ToWorker | undefined;
    if (opened !== undefined) order(opened, handle);
  });
  leaveExitToUs();
  const keepAlive = letJobsEnd();

  const lifeline = new net.Socket({ fd: LIFELINE_FD, readable: true, writable: true });
  lifeline.on('error', () => {}).once('close', orphaned);
  lifeline.resume().unref();

  const post = (message: FromWorker, handle: unknown, sent: () => void): void => {
    // Whoever listens waits for its socket, and serves.
    if (message.type === 'bind') keepAlive();
    try {
      send(seal(message), handle as SendHandle | undefined, undefined, () => sent());
    } catch {
      // Node's channel has gone under it, and Node has not noticed.
      setImmediate(sent);
    }
  };
  return {
    tell: (message, sent = () => {}) => post(message, undefined, sent),
    give: (message, handle) => post(message, handle, () => {}),
  };
}

/** Node's own count of who wants the channel to keep the process alive. */
interface Counted {
  refCounted?(): void;
  unrefCounted?(): void;
}

/**
 * node:cluster listens for the program's messages, and by that keeps a process alive that has nothing left to do. Returns what takes
 * this back, once.
 */
function letJobsEnd(): () => void {
  const channel = process.channel as Counted | undefined;
  channel?.unrefCounted?.();
  let kept = false;
  return () => {
    if (!kept) channel?.refCounted?.();
    kept = true;
  };
}

/** The worker's half of node:cluster ends the process, requests and all, the moment the channel closes. */
function leaveExitToUs(): void {
  const [exitOnDisconnect] = process.rawListeners('disconnect');
  if (exitOnDisconnect) process.removeListener('disconnect', exitOnDisconnect as () => void);
}
