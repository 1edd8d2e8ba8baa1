// Root is needed to bind a port below 1024, and for nothing after that. Once the sockets of `listen` are bound, the whole supervisor
// becomes the user that the configuration names, and its workers with it: wholly, or it does not start.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import type { Config } from '../config/config.js';
import { ExitCode, OperatorError } from '../config/exit-code.js';

export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string | undefined;
}

/** Not in the types of Node 20. */
type Groups = NodeJS.Process & { initgroups(user: string, group: number): void };
type Wanted = Pick<Config, 'user' | 'group' | 'listen'>;

/** Gives up root for good. Where no user is named, it does nothing; where this process is that user already, it makes sure of it. */
export function drop({ user, group, listen }: Wanted): void {
  if (user === undefined) return;
  const account = accountOf(user, group);
  if (account.uid === 0)
    throw refused(`user: expected somebody who is not root, got "${user}". Leave it out to run as root.`);
  const [real, effective] = [process.getuid?.(), process.geteuid?.()];
  if (real === account.uid || effective === account.uid) return verify(account);
  if (real !== 0)
    throw new OperatorError(
      `user: only root can become "${user}", and this is user ${real}. Start cordon as root, or leave \`user\` out.`,
      ExitCode.permission,
    );
  // Not through a link that somebody may have put there meanwhile.
  for (const address of listen)
    if ('path' in address && !address.path.startsWith('\0')) fs.lchownSync(address.path, account.uid, account.gid);
  for (const folder of madeBySystemd()) fs.lchownSync(folder, account.uid, account.gid);
  // Groups first: who is nobody in particular may not change them.
  if (account.home === undefined && /^\d+$/.test(account.name)) process.setgroups?.([account.gid]);
  else (process as Groups).initgroups(account.name, account.gid);
  process.setgid?.(account.gid);
  process.setuid?.(account.uid);
  verify(account);
  settleIn(account);
}

/** It made them for this service, and for root, as whom the unit starts it. */
function madeBySystemd(): string[] {
  const { INVOCATION_ID, RUNTIME_DIRECTORY = '', STATE_DIRECTORY = '', LOGS_DIRECTORY = '' } = process.env;
  if (INVOCATION_ID === undefined) return [];
  return [RUNTIME_DIRECTORY, STATE_DIRECTORY, LOGS_DIRECTORY]
    .flatMap((folders) => folders.split(':'))
    .filter((folder) => fs.lstatSync(folder, { throwIfNoEntry: false })?.isDirectory());
}

/** Root's own folders are no place for anybody else. */
function settleIn({ name, home }: Account): void {
  process.env['HOME'] = home ?? '/';
  process.env['USER'] = process.env['LOGNAME'] = name;
  delete process.env['XDG_RUNTIME_DIR'];
  for (const variable of ['XDG_STATE_HOME', 'XDG_CONFIG_HOME', 'XDG_CACHE_HOME', 'XDG_DATA_HOME', 'TMPDIR']) {
    const folder = process.env[variable];
    if (folder !== undefined && !isWritable(folder)) delete process.env[variable];
  }
}

function isWritable(folder: string): boolean {
  try {
    fs.accessSync(folder, fs.constants.W_OK | fs.constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Half of it would be worse than nothing: it looks safe. */
function verify({ name, uid, gid }: Account): void {
  const { getuid, geteuid, getgid, getegid } = process;
  const isWhole =
    [getuid, geteuid].every((id) => id?.() === uid) &&
    [getgid, getegid].every((id) => id?.() === gid) &&
    (gid === 0 || !process.getgroups?.().includes(0));
  // By a saved id, or by a capability.
  const canReturn = succeeds(() => process.setuid?.(0)) || (gid !== 0 && succeeds(() => process.setgid?.(0)));
  if (!isWhole || canReturn)
    throw new OperatorError(
      `user: this process could not become "${name}" wholly, and does not run as half of it. Set the user in the unit or container instead.`,
      ExitCode.permission,
    );
}

function succeeds(what: () => void): boolean {
  try {
    what();
    return true;
  } catch {
    return false;
  }
}

const refused = (why: string): OperatorError => new OperatorError(why, ExitCode.badConfig);

function accountOf(user: string, group: string | undefined): Account {
  const entry = entryOf('/etc/passwd', user, 2);
  const uid = entry ? Number(entry[2]) : asked('-u', user);
  if (uid === undefined) throw refused(`user: expected a user of this machine, got "${user}"`);
  const gid = group === undefined ? (entry ? Number(entry[3]) : asked('-g', user)) : groupOf(group);
  if (gid === undefined)
    throw refused(
      group === undefined
        ? `group: expected the group of user ${user}, who has none here, got nothing`
        : `group: expected a group of this machine, got "${group}"`,
    );
  return { name: entry?.[0] ?? user, uid, gid, home: entry?.[5] };
}

/** By name or number, which stands in this field. */
function entryOf(file: string, who: string, field: number): string[] | undefined {
  const entries = fs
    .readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  return entries.find(([name]) => name === who) ?? entries.find((entry) => entry[field] === who);
}

/** Users that come from a directory, and not from a file. */
function asked(flag: '-u' | '-g', user: string): number | undefined {
  if (/^\d+$/.test(user)) return flag === '-u' ? Number(user) : undefined;
  try {
    return Number(execFileSync('id', [flag, '--', user], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  } catch {
    return undefined;
  }
}

function groupOf(group: string): number | undefined {
  const entry = entryOf('/etc/group', group, 2);
  if (entry) return Number(entry[2]);
  return /^\d+$/.test(group) ? Number(group) : undefined;
}
