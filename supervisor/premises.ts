// What a fleet has before its first worker: its log, its sockets, its control socket, its book of errors.
import type { Config } from '../config/config.js';
import type { Control } from './control/server.js';
import { Incidents } from './incidents/incidents.js';
import type { Inherited } from './inheritance.js';
import { Journal } from './journal.js';
import { type Log, openLog } from './log.js';
import { Releases } from './releases.js';
import { Sockets } from './sockets.js';

/** What takes root where a port is below 1024. */
export interface Ground {
  readonly config: Config;
  readonly journal: Journal;
  readonly log: Log;
  readonly sockets: Sockets;
}

export interface Premises extends Ground {
  readonly control: Control;
  readonly releases: Releases;
  readonly incidents: Incidents;
}

/** @throws {OperatorError} where what is handed over and what is listed do not fit together. */
export function groundOf(config: Config, inherited: readonly Inherited[]): Ground {
  const journal = new Journal();
  const log = openLog(config, (line) => journal.lines.add(line));
  const sockets = new Sockets((path) =>
    log.warn(`took over ${path}: the process that listened there died without removing it`),
  );
  sockets.inherit(inherited);
  sockets.check(config.listen);
  return { config, journal, log, sockets };
}

/** @throws {OperatorError} where an address is taken. */
export async function pinAll({ config, sockets }: Ground): Promise<void> {
  for (const address of config.listen) await sockets.pin(address);
}

/** @throws {OperatorError} where the name is taken. */
export async function furnish(ground: Ground, follows: boolean): Promise<Premises> {
  const { config, log } = ground;
  const { openControl } = await import('./control/server.js');
  const control = await openControl(config, {
    follows,
    bug: (error) => log.error({ err: error }, 'a bug in cordon: a command failed'),
  });
  const releases = new Releases();
  releases.add(config);
  try {
    const incidents = new Incidents(config, (sentence) => log.warn(sentence), follows);
    await incidents.open();
    return { ...ground, control, releases, incidents };
  } catch (error) {
    await control.close();
    throw error;
  }
}

export function tellWhere({ control, log }: Premises): void {
  if (control.why) log.error(`no command will reach this fleet: ${control.why.message}`);
  else log.info(`commands are taken at ${control.path}`);
  if (control.readers) log.info(`questions are answered at ${control.readers}`);
}

export async function leave({ control, sockets, incidents }: Premises): Promise<void> {
  await control.close();
  sockets.close();
  await incidents.close();
}
