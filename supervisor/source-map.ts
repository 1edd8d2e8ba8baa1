// From generated code to the place that its author knows, as the source map of its file says.
import { SourceMap, type SourceMapPayload } from 'node:module';
import { dirname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export interface Original {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Where the map holds it. */
  readonly text: string | undefined;
}

/** Where this place of the generated file is; undefined where the map does not say. */
export type Origin = (place: { readonly line: number; readonly column: number }) => Original | undefined;

/** `url`: what `file` says of its map. `read` gives the text of a map's file, if it is to be had. Undefined: there is none that can be read. */
export function originIn(file: string, url: string, read: (path: string) => string | undefined): Origin | undefined {
  try {
    const { json, folder } = jsonOf(file, url, read);
    const payload = JSON.parse(json ?? '') as SourceMapPayload;
    const map = new SourceMap(payload);
    return ({ line, column }) => {
      const entry = map.findEntry(line - 1, column - 1);
      if (!('originalSource' in entry) || typeof entry.originalSource !== 'string') return undefined;
      const { originalSource, originalLine, originalColumn } = entry;
      return {
        file: absolute(payload.sourceRoot ?? '', originalSource, folder),
        line: originalLine + 1,
        column: originalColumn + 1,
        text: payload.sourcesContent?.[payload.sources.indexOf(originalSource)] ?? undefined,
      };
    };
  } catch {
    return undefined;
  }
}

function jsonOf(file: string, url: string, read: (path: string) => string | undefined) {
  const [, base64, data] = /^data:application\/json[^,]*?(;base64)?,(.*)$/s.exec(url) ?? [];
  if (data !== undefined) {
    const json = base64 === undefined ? decodeURIComponent(data) : Buffer.from(data, 'base64').toString('utf8');
    return { json, folder: dirname(file) };
  }
  const path = fileURLToPath(new URL(url, pathToFileURL(file)));
  return { json: read(path), folder: dirname(path) };
}

/** Bundlers write `webpack://…`, which is no file: it is named, and shown where the map holds it. */
function absolute(sourceRoot: string, source: string, folder: string): string {
  if (source.startsWith('file://')) return fileURLToPath(source);
  if (/^[a-z][a-z\d+.-]+:/i.test(source)) return source;
  return resolve(folder, sourceRoot.startsWith('file://') ? fileURLToPath(sourceRoot) : sourceRoot, source);
}
