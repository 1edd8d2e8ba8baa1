// What a fleet has before its first worker: its log, its sockets, its control socket, its book of errors.
import { isAbsolute, join } from 'node:path';
import type { Config } from '../config/config.js';
import type { Control } from './control/server.js';
import type { Environment } from './environment.js';
import { Incidents } from './incidents/incidents.js';
import type { Inherited } from './inheritance.js';
import { Journal } from './journal.js';
import { type Log, Logs } from './log.js';
import { Releases } from './releases.js';
import { Sockets } from './sockets.js';

/** What takes root where a port is below 1024. */
export interface Ground {
  readonly config: Config;
  readonly journal: Journal;
  readonly logs: Logs;
  /** The supervisor's own lines. */
  readonly log: Log;
  readonly sockets: Sockets;
}

export interface Premises extends Ground {
  readonly control: Control;
  readonly releases: Releases;
  readonly incidents: Incidents;
}

/** How it begins. */
export interface Start {
  /** Another supervisor goes on until this one serves. */
  readonly follows: boolean;
  /** There are other apps in the process. */
  readonly isAmong: boolean;
  /** What its first workers have beneath their own variables. Default: what the process has. */
  readonly environment?: Environment | undefined;
}

/**
 * `isAmong`: other apps print to the same place.
 * @throws {OperatorError} where what is handed over and what is listed do not fit together.
 */
export function groundOf(config: Config, inherited: readonly Inherited[], isAmong: () => boolean): Ground {
  const journal = new Journal();
  const logs = new Logs(config, {
    remember: (line) => journal.lines.add(line),
    notice: (level, text) => journal.record({ level, event: 'log', text }),
    isAmong,
  });
  const { log } = logs;
  const sockets = new Sockets((path) =>
    log.warn(`took over ${path}: the process that listened there died without removing it`),
  );
  sockets.inherit(inherited);
  sockets.check(config.listen);
  return { config, journal, logs, log, sockets };
}

/** @throws {OperatorError} where an address is taken. */
export async function pinAll({ config, sockets }: Ground): Promise<void> {
  for (const address of config.listen) await sockets.pin(address);
}

/** @throws {OperatorError} where the name is taken, or the log file cannot be written. */
export async function furnish(ground: Ground, { follows, isAmong, environment }: Start): Promise<Premises> {
  const { config, logs, log } = ground;
  await logs.open();
  const { openControl } = await import('./control/server.js');
  const control = await openControl(config, {
    follows,
    bug: (error) => log.error({ err: error }, 'a bug in cordon: a command failed'),
  });
  const releases = new Releases();
  releases.add(config, environment);
  try {
    const warn = (text: string): void => {
      log.warn({ event: 'book' }, text);
      ground.journal.record({ level: 'warn', event: 'book', text });
    };
    const incidents = new Incidents(isAmong ? apart(config) : config, warn, follows);
    await incidents.open();
    return { ...ground, control, releases, incidents };
  } catch (error) {
    await control.close();
    throw error;
  }
}

/** systemd names one folder for a service, and each app keeps a book of its own. */
function apart(config: Config): Config {
  const [folder = ''] = (process.env['STATE_DIRECTORY'] ?? '').split(':');
  if (config.errors.dir !== undefined || !isAbsolute(folder)) return config;
  return { ...config, errors: { ...config.errors, dir: join(folder, config.name) } };
}

export function tellWhere({ control, log }: Premises): void {
  if (control.why) log.error(`no command will reach this fleet: ${control.why.message}`);
  else log.info(`commands are taken at ${control.path}`);
  if (control.readers) log.info(`questions are answered at ${control.readers}`);
}

export async function leave({ control, sockets, incidents, logs }: Premises): Promise<void> {
  await control.close();
  sockets.close();
  await incidents.close();
  await logs.end();
}
