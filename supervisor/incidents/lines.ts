// The lines of the book on disk, read back. What is torn, too long or not ours is left out: a book that was half written when the
// power went is worth the other half.
import type { ReadStream } from 'node:fs';

const NEWLINE = 0x0a;
const MAX_LINE = 8 * 1024 * 1024;

/** Each whole line that is JSON. Bytes are split at 0x0A: Node's readline would also split within a text, at U+2028. */
export async function* readJsonLines(stream: ReadStream): AsyncGenerator<Readonly<Record<string, unknown>>> {
  let pending: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at !== -1; at = chunk.indexOf(NEWLINE, from)) {
      const line = Buffer.concat([...pending, chunk.subarray(from, at)]);
      pending = [];
      from = at + 1;
      const value = size <= MAX_LINE ? parsed(line) : undefined;
      size = 0;
      if (value !== undefined) yield value;
    }
    const rest = chunk.subarray(from);
    size += rest.length;
    if (size <= MAX_LINE) pending.push(rest);
    else pending = [];
  }
}

function parsed(line: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}
