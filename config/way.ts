// Which folders decide what a path leads to: the one that the file is in, and each that holds a link on the way.
import { lstatSync, readlinkSync } from 'node:fs';
import { dirname, join, parse, resolve, sep } from 'node:path';

export interface Way {
  /** Those whose entries matter. Absolute. */
  readonly folders: ReadonlySet<string>;
  /** Those entries: links, and the file. Absolute. */
  readonly names: ReadonlySet<string>;
}

/** As many as the kernel follows. */
const mostLinks = 40;

export function wayTo(file: string): Way {
  const folders = new Set<string>();
  const names = new Set<string>();
  let rest = resolve(file);
  for (let links = 0; links < mostLinks; links++) {
    const link = firstLink(rest);
    const end = link?.path ?? rest;
    folders.add(dirname(end));
    names.add(end);
    if (link === undefined) break;
    rest = resolve(dirname(link.path), link.target, link.beyond);
  }
  // A folder that is not there yet will appear in one that is.
  for (const folder of folders) {
    if (isThere(folder)) continue;
    folders.delete(folder);
    const missing = firstMissing(folder);
    folders.add(dirname(missing));
    names.add(missing);
  }
  return { folders, names };
}

interface Link {
  readonly path: string;
  readonly target: string;
  /** What of the path comes after it. */
  readonly beyond: string;
}

function firstLink(path: string): Link | undefined {
  const { root } = parse(path);
  const parts = path.slice(root.length).split(sep);
  for (const i of parts.keys()) {
    const at = join(root, ...parts.slice(0, i + 1));
    const target = targetOf(at);
    if (target !== undefined) return { path: at, target, beyond: join('.', ...parts.slice(i + 1)) };
  }
  return undefined;
}

function targetOf(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch {
    return undefined;
  }
}

function isThere(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

const firstMissing = (path: string): string => (isThere(dirname(path)) ? path : firstMissing(dirname(path)));
