// What a worker prints, line by line. Bytes are split at 0x0A, never at characters; a line that is too long is cut and says so.
import type { Readable } from 'node:stream';

const MAX_LINE = 64 * 1024;
const NEWLINE = 0x0a;

/** What one read of a pipe takes at most: more may be there. */
const MAX_READ = 64 * 1024;

/**
 * Calls `line` for each line, the last one without its newline too, and `settled` when all that was there has been read.
 */
export function readLines(stream: Readable, line: (text: string) => void, settled: () => void = () => {}): void {
  const pending: Buffer[] = [];
  let size = 0;
  let cutting = false;

  const emit = (rest: Buffer): void => {
    pending.push(rest);
    if (!cutting) line(readable(pending.length === 1 ? rest : Buffer.concat(pending)));
    pending.length = 0;
    size = 0;
    cutting = false;
  };
  stream.on('data', (chunk: Buffer) => {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE, from); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      emit(chunk.subarray(from, at));
      from = at + 1;
    }
    const rest = chunk.subarray(from);
    if (rest.length > 0 && !cutting) {
      pending.push(rest);
      size += rest.length;
      if (size > MAX_LINE) {
        emit(Buffer.alloc(0));
        cutting = true;
      }
    }
    if (rest.length === 0 && chunk.length < MAX_READ) settled();
    else setImmediate(settled);
  });
  stream.on('error', () => {});
  stream.once('close', () => {
    if (size > 0) emit(Buffer.alloc(0));
    settled();
  });
}

function readable(line: Buffer): string {
  if (line.length <= MAX_LINE) return line.toString('utf8').replace(/\r$/, '');
  let end = MAX_LINE;
  // Not within a character: its further bytes begin with the bits 10.
  while (((line[end] ?? 0) & 0xc0) === 0x80 && end > MAX_LINE - 4) end--;
  return `${line.toString('utf8', 0, end)}… (line cut at ${MAX_LINE} bytes)`;
}
