// The supervisor's stdout as what log lines go to. A pipe, a socket and a terminal take bytes in when their reader does: nothing here
// waits for that. Anything else is a file.
import { fstatSync, writeSync } from 'node:fs';
import type { Target } from './backlog.js';
import { LogFile } from './file.js';

/** Not documented. Where it is missing, a terminal that was halted (Ctrl-S) halts the supervisor. */
interface Handled {
  readonly _handle?: { setBlocking?(blocking: boolean): void; close?(): void };
}

/** `complain` hears why a file cannot be written; undefined when it can again. */
export function stdoutTarget(complain: (why: string | undefined) => void): Target {
  return isStream() ? new StreamTarget() : new LogFile(1, complain);
}

function isStream(): boolean {
  if (process.stdout.isTTY) return true;
  const stat = fstatSync(1);
  return stat.isFIFO() || stat.isSocket();
}

class StreamTarget implements Target {
  constructor() {
    // A reader that is gone ends the log, never the fleet. The next line is tried again: a named pipe may find another reader.
    if (process.stdout.listenerCount('error') === 0) process.stdout.on('error', () => {});
    if (process.stdout.isTTY) (process.stdout as Handled)._handle?.setBlocking?.(false);
  }

  write(piece: Buffer, taken: () => void): void {
    process.stdout.write(piece, () => taken());
  }

  writeLast(rest: Buffer): void {
    try {
      for (let at = 0; at < rest.length; ) at += writeSync(1, rest, at);
    } catch {
      // Nobody takes it in.
    }
  }

  end(): void {}
}

/** At the very end: what nobody takes in would keep the process alive for as long as its reader likes. */
export function abandonStdout(): void {
  if (process.stdout.writableLength > 0) (process.stdout as Handled)._handle?.close?.();
}
