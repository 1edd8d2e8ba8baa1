// What a worker prints, line by line. Bytes are split at 0x0A, never at characters; a line that is too long is cut and says so.
import type { Readable } from 'node:stream';

const MAX_LINE = 64 * 1024;
const NEWLINE = 0x0a;

/** Calls `line` for each line, the last one without its newline too. The stream is never paused: a worker that prints must not wait. */
export function readLines(stream: Readable, line: (text: string) => void): void {
  const pending: Buffer[] = [];
  let size = 0;
  let cutting = false;

  const emit = (rest: Buffer): void => {
    pending.push(rest);
    const whole = pending.length === 1 ? rest : Buffer.concat(pending);
    pending.length = 0;
    size = 0;
    if (!cutting) line(whole.toString('utf8').replace(/\r$/, ''));
    cutting = false;
  };
  stream.on('data', (chunk: Buffer) => {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE, from); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      emit(chunk.subarray(from, at));
      from = at + 1;
    }
    const rest = chunk.subarray(from);
    if (rest.length === 0 || cutting) return;
    pending.push(rest);
    size += rest.length;
    if (size <= MAX_LINE) return;
    line(`${Buffer.concat(pending).toString('utf8', 0, MAX_LINE)}… (line cut at ${MAX_LINE} bytes)`);
    pending.length = 0;
    size = 0;
    cutting = true;
  });
  stream.on('error', () => {});
  stream.once('close', () => {
    if (size > 0) emit(Buffer.alloc(0));
  });
}
