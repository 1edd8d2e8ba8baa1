// What a process has only once, whatever the number of its apps. Pure: it is the same for all of them, or they cannot run together.
import { addressWords } from '../../config/address.js';
import type { Config } from '../../config/config.js';
import { ExitCode, OperatorError } from '../../config/exit-code.js';

export type Shared = Pick<Config, 'user' | 'group' | 'pidFile'>;

/** @throws {OperatorError} where apps want to be different users, or want the same thing for themselves. */
export function sharedBy(apps: readonly Config[]): Shared {
  const [first, ...others] = apps;
  for (const key of ['user', 'group'] as const)
    for (const other of others)
      if (other[key] !== first?.[key])
        throw refused(
          `${key}: expected the same for every app, got ${first?.[key] ?? 'none'} for ${first?.name} and ${other[key] ?? 'none'} for ${other.name}. One process is one user: start them apart with --only.`,
        );
  const files = [...new Set(apps.flatMap(({ pidFile }) => pidFile ?? []))];
  if (files.length > 1)
    throw refused(
      `pidFile: expected one for all apps, got ${files.join(' and ')}. They run in one process: name its file in one of them.`,
    );
  for (const [key, wanted] of claims) clash(apps, key, wanted);
  return { user: first?.user, group: first?.group, pidFile: files[0] };
}

const claims: readonly (readonly [key: string, wanted: (app: Config) => readonly string[]])[] = [
  ['listen', ({ listen }) => listen.map(addressWords).filter((words) => !words.endsWith(':0'))],
  ['control.socket', ({ control }) => (control.socket === undefined ? [] : [control.socket])],
  ['logs.file', ({ logs }) => [logs.file, logs.accessFile].flatMap((file) => file ?? [])],
  ['metrics.listen', ({ metrics }) => metrics.listen.map(addressWords).filter((words) => !words.endsWith(':0'))],
  ['agent.listen', ({ agent }) => agent.listen.map(addressWords).filter((words) => !words.endsWith(':0'))],
  ['errors.dir', ({ errors }) => (errors.dir === undefined ? [] : [errors.dir])],
];

function clash(apps: readonly Config[], key: string, wanted: (app: Config) => readonly string[]): void {
  const owners = new Map<string, string>();
  for (const app of apps)
    for (const words of wanted(app)) {
      const owner = owners.get(words);
      if (owner !== undefined && owner !== app.name)
        throw refused(`${key}: expected another one for each app, got ${words} for ${owner} and for ${app.name}.`);
      owners.set(words, app.name);
    }
}

const refused = (why: string): OperatorError => new OperatorError(why, ExitCode.badConfig);
