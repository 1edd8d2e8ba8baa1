// `~/.pm2/dump.pm2`: what pm2 noted of every process that ran, one entry for each. As apps, one for each name.
import { isTree } from '../tree.js';
import { aliases, rules } from './rules.js';

type Entry = Readonly<Record<string, unknown>>;

export const isDump = (given: unknown): given is readonly Entry[] =>
  Array.isArray(given) && given.length > 0 && given.every((entry) => isTree(entry) && 'pm_exec_path' in entry);

/** Of the shell in which pm2 was started, of pm2, and of each process by itself. */
const ofTheSession =
  /^(?:PATH|HOME|USER|USERNAME|LOGNAME|SHELL|SHLVL|PWD|OLDPWD|TERM|TERM_.*|COLORTERM|LANG|LANGUAGE|LC_.*|MAIL|HOSTNAME|EDITOR|PAGER|LESS.*|LS_COLORS|DISPLAY|_|SSH_.*|SUDO_.*|XDG_.*|DBUS_.*|NVM_.*|npm_.*|NODE_APP_INSTANCE|PM2_.*|pm_.*|unique_id)$/;

export function fromDump(entries: readonly Entry[]): { list: readonly Entry[]; around: string[] } {
  const names = [...new Set(entries.map(({ name }) => String(name)))];
  const left = new Set<string>();
  const session = new Set<string>();
  const list = names.map((name) => {
    const group = entries.filter((entry) => String(entry['name']) === name);
    const [first = {}] = group;
    const env = isTree(first['env']) ? first['env'] : {};
    const app: Record<string, unknown> = { script: first['pm_exec_path'], cwd: first['pm_cwd'] };
    for (const [key, held] of Object.entries(first)) {
      // pm2 repeats every variable beside its own keys.
      if (['env', 'pm_exec_path', 'pm_cwd'].includes(key) || (Object.hasOwn(env, key) && !Object.hasOwn(rules, key)))
        continue;
      if (isKnown(key)) app[key] = held;
      else left.add(key);
    }
    const isCluster = String(first['exec_mode']).startsWith('cluster');
    const own = Object.entries(env).filter(([variable, value]) => {
      // An app's own keys end up among the variables as well.
      if (ofTheSession.test(variable)) session.add(variable);
      return !ofTheSession.test(variable) && variable !== name && typeof value !== 'object';
    });
    return { ...app, ...(isCluster ? { instances: group.length } : {}), env: Object.fromEntries(own) };
  });
  const around = [
    ...(left.size === 0 ? [] : [`what pm2 noted while it ran is not taken over: ${[...left].toSorted().join(', ')}`]),
    ...(session.size === 0
      ? []
      : [`variables of the session that started pm2 are not taken over: ${[...session].toSorted().join(', ')}`]),
  ];
  return { list, around };
}

const isKnown = (key: string): boolean => Object.hasOwn(rules, key) || aliases.has(key) || key.startsWith('env_');
