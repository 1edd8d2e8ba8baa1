// Which supervisor is meant. A name may be left out where exactly one runs; a path means the socket itself.
import { readdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { ExitCode, OperatorError } from '../config/exit-code.js';
import { nearest } from '../config/suggest.js';
import { answers } from '../supervisor/control/claim.js';
import { searchFolders, socketName } from '../supervisor/control/path.js';
import type { StatusReply } from '../supervisor/control/protocol.js';
import { get, type Supervisor } from './client.js';

/** Those that answer, by name. */
export async function running(): Promise<Supervisor[]> {
  const found = searchFolders().flatMap((folder) => [folder, ...foldersIn(folder)].flatMap(socketsIn));
  const configured = process.env['CORDON_CONTROL_SOCKET'];
  if (configured) found.unshift(at(configured));
  const alive = await Promise.all(found.map(async (one) => ((await answers(one.path)) ? [one] : [])));
  const unique = new Map(alive.flat().map((one) => [one.path, one]));
  return [...unique.values()].toSorted((one, other) => one.name.localeCompare(other.name));
}

function socketsIn(folder: string): Supervisor[] {
  try {
    return readdirSync(folder)
      .filter((file) => file.endsWith('.sock') && !file.startsWith('.') && !file.endsWith('.read.sock'))
      .map((file) => ({ name: basename(file, '.sock'), path: join(folder, file) }));
  } catch {
    return [];
  }
}

/** A service of systemd has a folder of its own: `/run/cordon/api`, and no other variable that would lead there. */
function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => join(folder, name));
  } catch {
    return [];
  }
}

const at = (path: string): Supervisor => ({ name: basename(path, '.sock'), path: resolve(path) });
const isPath = (name: string): boolean => name.includes('/');

export const NAME = 'the fleet (may be left out where only one runs; also the path of a control socket)';
export const start = 'Start one with `cordon start server.js`.';

/** @throws {OperatorError} where none is meant, or more than one may be. */
export async function find(name: string | undefined): Promise<Supervisor> {
  if (name !== undefined && isPath(name)) return at(name);
  const all = await running();
  if (name === undefined) return theOnly(all);
  const [found, another] = all.filter((one) => one.name === name);
  if (found && another)
    throw new OperatorError(
      `two supervisors are called ${name}: say which one by its socket, ${found.path} or ${another.path}.`,
      ExitCode.usage,
    );
  if (found) return found;
  const near = nearest(
    name,
    all.map((one) => one.name),
  );
  const meant = near === undefined ? list(all) : `Did you mean ${near}?`;
  throw new OperatorError(
    `no supervisor called ${name} runs (looked for ${socketName(name)} in ${searchFolders().join(', ')}). ${meant}`,
    ExitCode.unavailable,
  );
}

/** `isAll`: no name was given, and what runs is the apps of one supervisor. */
export async function findWhole(
  name: string | undefined,
): Promise<{ readonly supervisor: Supervisor; readonly isAll: boolean }> {
  if (name === undefined) {
    const all = await running();
    const [first] = all;
    if (first && all.length > 1) {
      const { beside } = await get<StatusReply>(first, '/v1/status');
      if (all.every((one) => one === first || beside?.includes(one.name))) return { supervisor: first, isAll: true };
    }
  }
  return { supervisor: await find(name), isAll: false };
}

function theOnly(all: readonly Supervisor[]): Supervisor {
  const [only, another] = all;
  if (only && !another) return only;
  if (!only) throw new OperatorError(`no supervisor of this user runs. ${start}`, ExitCode.unavailable);
  throw new OperatorError(
    `several fleets run: say which one (${all.map(({ name }) => name).join(', ')}).`,
    ExitCode.usage,
  );
}

const list = (all: readonly Supervisor[]): string =>
  all.length === 0 ? `None does. ${start}` : `There is ${all.map(({ name }) => name).join(', ')}.`;

/** @throws {OperatorError} where the words name no worker. */
export function theWorker(words: readonly string[]): { readonly name: string | undefined; readonly id: number } {
  const worker = workerIn(words);
  if (worker) return worker;
  throw new OperatorError(
    `expected the id of a worker, such as 3, got ${JSON.stringify(words.join(' '))}`,
    ExitCode.usage,
  );
}

/** `3`, `#3`, `api 3`, `api#3`: a worker, and whose. */
export function workerIn(
  words: readonly string[],
): { readonly name: string | undefined; readonly id: number } | undefined {
  const [, name, id] = /^(?:(\S*?)[ #])?#?(\d+)$/.exec(words.join(' ')) ?? [];
  return id === undefined ? undefined : { name: name || undefined, id: Number(id) };
}
