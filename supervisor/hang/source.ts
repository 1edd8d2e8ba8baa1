// From where generated code is stuck to where its author would look.
import { readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { originIn } from '../source-map.js';
import type { Frame } from './protocol.js';

/** A map is read while a server stands still: one that is larger than this is not waited for. */
const LARGEST_MAP = 32 * 1024 * 1024;

/** Where the source of this place is, as its script's source map says; the place itself where none does. */
export function sourceOf(frame: Frame, scriptUrl: string, mapUrl: string | undefined): Frame {
  const file = scriptUrl.startsWith('file:') ? fileURLToPath(scriptUrl) : scriptUrl;
  const origin = mapUrl === undefined || mapUrl === '' ? undefined : originIn(file, mapUrl, read)?.(frame);
  // A map that is gone or broken: the generated place is better than none.
  if (origin === undefined) return { ...frame, file };
  return { name: frame.name, file: origin.file, line: origin.line, column: origin.column };
}

function read(path: string): string | undefined {
  return statSync(path).size > LARGEST_MAP ? undefined : readFileSync(path, 'utf8');
}
