// What a worker prints is read by its supervisor through pipes, which Node writes asynchronously: a worker that exits or crashes
// would lose its last words. And a supervisor that is gone must not take the worker with it at its next line.

/** `_handle.setBlocking` is not documented; where it is missing, the last words of a crash may be cut short. */
interface Piped {
  readonly _handle?: { setBlocking?(blocking: boolean): void };
}

/** `piped`: into a pipe of its own. The supervisor's stdout is its too, and must not begin to block. */
export function keepLastWords(piped: boolean): void {
  for (const stream of [process.stdout, process.stderr]) {
    if (piped) (stream as unknown as Piped)._handle?.setBlocking?.(true);
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}
