// Where an error came from, as its authors know the place: source maps are applied, and a few lines of code are shown. Read only
// when somebody looks: a map may have megabytes, and a worker that throws must not wait for it.
import { readFileSync, type Stats, statSync } from 'node:fs';
import { type Origin, type Original, originIn } from '../source-map.js';
import { type Frame, framesOf, isOwn } from './frames.js';

export interface SourceFrame extends Frame {
  /** The program's own code, neither Node's nor a dependency's. */
  readonly own: boolean;
  /** Where the file that runs was made from. */
  readonly mapped?: { readonly file: string; readonly line: number; readonly column: number };
}

export interface CodeLine {
  readonly line: number;
  readonly text: string;
}

export interface Source {
  readonly frames: readonly SourceFrame[];
  /** Around the program's topmost frame. Empty where there is nothing to show: no such file, or one that has changed since. */
  readonly excerpt: readonly CodeLine[];
}

const MAX_FRAMES = 30;
/** Of the program's own: so many maps are looked for. */
const MAX_MAPPED = 10;
const MAX_BYTES = 10 * 1024 * 1024;
const AROUND = 3;
const MAX_WIDTH = 200;

/** `at`: when the error was met. Files that are younger are not what has failed. */
export function sourceOf(message: string, stack: string | undefined, at: number): Source {
  const maps = new Map<string, Origin | undefined>();
  const files = new Map<string, Text | undefined>();
  const read = (file: string): Text | undefined => {
    if (!files.has(file)) files.set(file, textOf(file, at));
    return files.get(file);
  };
  const originOf = (file: string): Origin | undefined => {
    if (!maps.has(file) && maps.size < MAX_MAPPED) maps.set(file, mapOf(file, read, at));
    return maps.get(file);
  };
  const places = framesOf(message, stack)
    .slice(0, MAX_FRAMES)
    .map((frame) => ({ frame, origin: isOwn(frame) && frame.line > 0 ? originOf(frame.file)?.(frame) : undefined }));
  const top = places.find(({ frame }) => isOwn(frame));
  return {
    frames: places.map(({ frame, origin }) => ({
      ...frame,
      own: isOwn(frame),
      ...(origin && { mapped: { file: origin.file, line: origin.line, column: origin.column } }),
    })),
    excerpt: top ? codeAround(textAt(top, read), top.origin?.line ?? top.frame.line) : [],
  };
}

type Text = readonly string[];
function textAt(
  { frame, origin }: { readonly frame: Frame; readonly origin: Original | undefined },
  read: (file: string) => Text | undefined,
): Text | undefined {
  if (origin === undefined) return read(frame.file);
  // A map may hold no text, and its source be gone: then what ran is shown nowhere.
  return origin.text?.split('\n') ?? read(origin.file);
}

/** Only of files that hold code: a stack is what a program says it is. */
function textOf(file: string, at: number): Text | undefined {
  return /\.[cm]?[jt]sx?$/.test(file) ? contentOf(file, at)?.split('\n') : undefined;
}

function contentOf(file: string, at: number): string | undefined {
  try {
    const stats: Stats = statSync(file);
    if (!stats.isFile() || stats.size > MAX_BYTES || stats.mtimeMs > at) return undefined;
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** What the file's last lines say about its map. */
function mapOf(file: string, read: (file: string) => Text | undefined, at: number): Origin | undefined {
  const [, url] = /^\/\/[#@] sourceMappingURL=(\S+)\s*$/m.exec(read(file)?.slice(-5).join('\n') ?? '') ?? [];
  if (url === undefined) return undefined;
  return originIn(file, url, (path) => (path.endsWith('.map') ? contentOf(path, at) : undefined));
}

function codeAround(text: Text | undefined, line: number): CodeLine[] {
  if (text === undefined || line < 1 || line > text.length) return [];
  const from = Math.max(1, line - AROUND);
  return text
    .slice(from - 1, line + AROUND)
    .map((one, index) => ({ line: from + index, text: one.slice(0, MAX_WIDTH).trimEnd() }));
}
