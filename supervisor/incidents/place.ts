// Where the book of errors is kept, and whose it is: one supervisor writes it, everybody else keeps out.
import { readFileSync } from 'node:fs';
import * as files from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import process from 'node:process';
import { homeOf } from '../../config/home.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** systemd's own folder for a service's state, else the user's. */
export function placeOf(name: string, environment: Environment, home: string = homeOf()): string {
  const [given = ''] = (environment['STATE_DIRECTORY'] ?? '').split(':');
  if (isAbsolute(given)) return given;
  const state = environment['XDG_STATE_HOME'] ?? '';
  return join(isAbsolute(state) ? state : join(home, '.local', 'state'), 'cordon', name);
}

/** Makes it where it is not there yet. Throws, with a sentence, where it is not safe to write in. */
export async function prepare(dir: string): Promise<void> {
  await files.mkdir(dir, { recursive: true, mode: 0o700 });
  const { uid, mode } = await files.stat(dir);
  if ((mode & 0o002) !== 0) throw new Error(`${dir} may be written to by everybody; expected a folder of mode 0700`);
  const own = process.getuid?.();
  if (own !== undefined && own !== 0 && uid !== own) throw new Error(`${dir} belongs to another user`);
}

const LOCK = 'lock';

/** Takes the folder for this process, until `release`. Gives the process that has it where that lives, undefined once it is ours. */
export async function take(dir: string): Promise<number | undefined> {
  const lock = join(dir, LOCK);
  const own = identity(process.pid);
  for (let attempt = 0; attempt < 5; attempt++) {
    try {
      // A symbolic link is there with all that it says, or it is not there at all.
      await files.symlink(own, lock);
      return undefined;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = await files.readlink(lock).catch(() => '');
    if (holder === own) return undefined;
    const pid = Number.parseInt(holder, 10);
    if (pid > 0 && identity(pid) === holder) return pid;
    await files.rm(lock, { force: true });
  }
  throw new Error(`${lock} cannot be taken over`);
}

export async function release(dir: string): Promise<void> {
  const lock = join(dir, LOCK);
  if ((await files.readlink(lock).catch(() => '')) === identity(process.pid)) await files.rm(lock, { force: true });
}

/** A pid may be used again, in a container it always is; together with when it started it is one process. */
function identity(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in brackets, may hold anything; what is meant is field 22.
    const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return `${pid}.${started}`;
  } catch {
    return isThere(pid) ? `${pid}` : '';
  }
}

function isThere(pid: number): boolean {
  if (process.platform === 'linux') return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
