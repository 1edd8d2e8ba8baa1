// What workers inherit beneath the variables of their configuration: the environment of whoever started the fleet, or of whoever has
// handed over another one since. Its values are nobody's to read: none is ever logged or shown.
import { ADDRESSED } from './systemd/invitation.js';

export type Environment = Readonly<Record<string, string>>;

/** What systemd says is for the supervisor alone, and is no worker's in any way. */
const NOBODYS: ReadonlySet<string> = new Set(ADDRESSED);

/** Where the supervisor was started, who started it, and where it keeps what it has: not another terminal's to say. */
const OWN: ReadonlySet<string> = new Set(
  (
    'PWD OLDPWD SHLVL _ HOME USER LOGNAME XDG_RUNTIME_DIR XDG_STATE_HOME RUNTIME_DIRECTORY STATE_DIRECTORY ' +
    'LOGS_DIRECTORY CACHE_DIRECTORY CONFIGURATION_DIRECTORY CREDENTIALS_DIRECTORY INVOCATION_ID JOURNAL_STREAM ' +
    'SYSTEMD_EXEC_PID MAINPID'
  ).split(' '),
);

const asGiven = (environment: NodeJS.ProcessEnv): Environment =>
  Object.fromEntries(
    Object.entries(environment).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !NOBODYS.has(entry[0]),
    ),
  );

export const inherited = (own: NodeJS.ProcessEnv = process.env): Environment => asGiven(own);

/** Another environment in place of our own, but for what is ours alone. */
export function handedOver(given: Environment, own: NodeJS.ProcessEnv = process.env): Environment {
  const others = Object.entries(asGiven(given)).filter(([name]) => !OWN.has(name));
  const ours = Object.entries(asGiven(own)).filter(([name]) => OWN.has(name));
  return Object.fromEntries([...others, ...ours]);
}

/** From now on it is what this process, its successor and new workers have. */
export function become(environment: Environment, own: NodeJS.ProcessEnv = process.env): void {
  for (const name of Object.keys(own)) if (!Object.hasOwn(environment, name)) delete own[name];
  for (const [name, value] of Object.entries(environment)) if (own[name] !== value) own[name] = value;
}
