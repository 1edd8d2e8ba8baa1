// pm2 reads JSON5: comments, single quotes, a comma too many. All of JSON5 is JavaScript, so the engine reads it, in a context
// that holds nothing, within the thread that may be ended at any time.
import { readFileSync } from 'node:fs';
import { runInNewContext } from 'node:vm';
import { broken, type Reading } from './reading.js';

export function readPm2Json(file: string): Reading {
  const text = readFileSync(file, 'utf8').replace(/^\uFEFF/, '');
  if (text.trim() === '') return broken('the file is empty; expected an object');
  try {
    // The line break ends a comment on the last line.
    const json = runInNewContext(`JSON.stringify((${text}\n))`, {}, { filename: file }) as unknown;
    return typeof json === 'string'
      ? { type: 'read', value: JSON.parse(json) as unknown, places: undefined }
      : broken('expected an object');
  } catch (error) {
    // Of another context: no instance of our Error.
    return broken(`not valid JSON: ${String((error as { message?: unknown } | null)?.message ?? error)}`);
  }
}
