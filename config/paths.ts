// What is wrong with a path that the operator gave, as the rest of a sentence that begins with it.
import { accessSync, constants, readdirSync, readFileSync, readlinkSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { nearest } from './suggest.js';

/** Undefined where it is a file, of at most this size, that may be read. */
export function notReadable(file: string, largestBytes = Infinity): string | undefined {
  const stats = look(file);
  if (typeof stats === 'string') return stats;
  if (stats.isDirectory()) return 'is a folder; expected a file';
  if (!stats.isFile()) return 'is not a regular file';
  if (stats.size > largestBytes) return `has ${stats.size} bytes; expected at most ${largestBytes}`;
  return mayRead(file);
}

/** Undefined where it is a script that node can be asked to run. */
export function notAScript(file: string): string | undefined {
  const stats = look(file);
  if (typeof stats !== 'string' && stats.isDirectory())
    return `is a folder; expected a script, such as ${join(basename(file), mainOf(file))}`;
  return notReadable(file);
}

/** Undefined where it is a folder that may be entered. */
export function notAFolder(folder: string): string | undefined {
  const stats = look(folder);
  if (typeof stats === 'string') return stats;
  return stats.isDirectory() ? undefined : 'is not a folder';
}

function look(path: string): Stats | string {
  try {
    return statSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return `${missing(path)}${similar(path)}`;
    if (code === 'EACCES') return 'may not be reached by this user; check the permissions of the folders above it';
    return `cannot be looked at (${code})`;
  }
}

function mayRead(file: string): string | undefined {
  try {
    accessSync(file, constants.R_OK);
    return undefined;
  } catch {
    return 'may not be read by this user; check its permissions';
  }
}

function missing(path: string): string {
  try {
    return `is a link to ${readlinkSync(path)}, which does not exist (looked at ${path})`;
  } catch {
    return `does not exist (looked for ${path})`;
  }
}

/** `server` for `server.js`, and slips of the finger. */
function similar(path: string): string {
  const name = basename(path);
  const there = names(dirname(path)).filter((other) => other !== name);
  const near =
    there.find((other) => /\.[cm]?[jt]s$/.test(other) && other.replace(/\.[cm]?[jt]s$/, '') === name) ??
    nearest(name, there);
  return near === undefined ? '' : `, did you mean ${near}?`;
}

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** The file that the package in this folder calls its main. */
function mainOf(folder: string): string {
  try {
    const { main } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { main?: unknown };
    return typeof main === 'string' ? main : 'server.js';
  } catch {
    return 'server.js';
  }
}
