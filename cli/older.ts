// Lines of a log file, and of the files that it was renamed to, from the latest back: what the supervisor does not remember any more.
import { type FileHandle, open } from 'node:fs/promises';
import { momentOf } from '../supervisor/logs/fields.js';

const CHUNK = 256 * 1024;
const NEWLINE = 0x0a;

/** Lines as they were written before `oldest`, the latest first. */
export async function* older(path: string, oldest: string | undefined): AsyncGenerator<string> {
  let reached = oldest === undefined;
  for await (const line of backwards(path)) {
    if (reached) yield line;
    // What the supervisor remembers may have been dropped on its way to the file: then its time tells where it would be.
    else if (line === oldest) reached = true;
    else if (isBefore(line, oldest ?? '')) {
      reached = true;
      yield line;
    }
  }
}

async function* backwards(path: string): AsyncGenerator<string> {
  for (let number = 0; ; number++) {
    const file = await open(number === 0 ? path : `${path}.${number}`).catch(() => undefined);
    if (file === undefined && number > 0) return;
    try {
      if (file) yield* linesOf(file);
    } finally {
      await file?.close();
    }
  }
}

async function* linesOf(file: FileHandle): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0);
  for (let end = (await file.stat()).size; end > 0; ) {
    const begin = Math.max(0, end - CHUNK);
    const chunk = Buffer.alloc(end - begin);
    await file.read(chunk, 0, chunk.length, begin);
    end = begin;
    const text = Buffer.concat([chunk, rest]);
    // What stands before the first newline may have begun earlier.
    const first = begin === 0 ? -1 : text.indexOf(NEWLINE);
    rest = begin === 0 || first < 0 ? text : text.subarray(0, first + 1);
    if (begin > 0 && first < 0) continue;
    for (const line of text
      .toString('utf8', first + 1)
      .split('\n')
      .toReversed())
      if (line !== '') yield line;
  }
}

const isBefore = (line: string, other: string): boolean => timeOf(line) < timeOf(other);

function timeOf(line: string): number {
  try {
    return momentOf((JSON.parse(line) as { readonly time?: unknown }).time);
  } catch {
    return Number.NaN;
  }
}
