// From where generated code is stuck to where its author would look.
import { readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Frame } from './protocol.js';

/** A map is read while a server stands still: one that is larger than this is not waited for. */
const LARGEST_MAP = 32 * 1024 * 1024;

/** Where the source of this place is, as its script's source map says; the place itself where none does. */
export function sourceOf(frame: Frame, scriptUrl: string, mapUrl: string | undefined): Frame {
  const plain = { ...frame, file: pathOf(scriptUrl) };
  if (mapUrl === undefined || mapUrl === '') return plain;
  try {
    const entry = new SourceMap(read(mapUrl, scriptUrl)).findEntry(frame.line - 1, frame.column - 1);
    if (!('originalSource' in entry)) return plain;
    const { originalSource, originalLine, originalColumn } = entry;
    const base = mapUrl.startsWith('data:') ? scriptUrl : new URL(mapUrl, scriptUrl).href;
    return {
      name: frame.name,
      file: pathOf(new URL(originalSource, base).href),
      line: originalLine + 1,
      column: originalColumn + 1,
    };
  } catch {
    // A map that is gone or broken: the generated place is better than none.
    return plain;
  }
}

function read(mapUrl: string, scriptUrl: string): SourceMapPayload {
  const inline = /^data:application\/json[^,]*?(;base64)?,(.*)$/s.exec(mapUrl);
  const text = inline
    ? Buffer.from(decodeURIComponent(inline[2] ?? ''), inline[1] ? 'base64' : 'utf8').toString()
    : readFileSync(fileURLToPath(new URL(mapUrl, scriptUrl)), 'utf8');
  if (text.length > LARGEST_MAP) throw new RangeError('too large');
  return JSON.parse(text) as SourceMapPayload;
}

const pathOf = (url: string): string => (url.startsWith('file:') ? fileURLToPath(url) : url);
