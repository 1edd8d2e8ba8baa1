// The supervisor's process: it forks workers, owns their sockets, reads what they print, and does very little else, so that little
// can go wrong in it. This file is its beginning and its end; `house.ts` is what is between, `apps/apps.ts` the fleets.
import type { Config } from '../config/config.js';
import { sharedBy } from './apps/shared.js';
import type { Commands } from './commands.js';
import type { Environment } from './environment.js';
import { House } from './house.js';
import type { IncidentBook } from './incidents/incidents.js';
import { abandonStdout } from './logs/stdout.js';
import { removePidFile, writePidFile } from './pid-file.js';
import type { Service } from './systemd/service.js';
import type { Predecessor } from './upgrade/predecessor.js';

export type { Commands };

/** What can be seen of a fleet, besides `Commands.status`. */
export interface Views {
  readonly incidents: IncidentBook;
  /** Prometheus text. */
  readonly metrics: () => Promise<string>;
}

export interface About {
  readonly version: string;
  /** Where the operator stood, as they got there, for whoever follows this process. Default: the working directory. */
  readonly folder?: string;
  /** Hears once what can be seen of each fleet, before its first worker starts. */
  readonly seen?: (views: Views) => void;
  /**
   * Reads the configuration again, for a reload; another file, where one is given, to compare it. Default: it stays as it is.
   * @throws {OperatorError} where it is wrong.
   */
  readonly reread?: (environment: Environment, file?: string) => Promise<Config | readonly Config[]>;
  /** What is read again: watched where `control.watchConfig` says so. Absolute. */
  readonly file?: string | undefined;
  /** Hears once how each fleet is commanded, before its first worker starts. */
  readonly commanded?: (commands: Commands) => void;
  /** The supervisor that this one is to follow. */
  readonly predecessor?: Predecessor | undefined;
  /** systemd, where it has started this process. */
  readonly service?: Service | undefined;
}

/**
 * Runs a fleet for each app until all are told to stop, and resolves to the exit code: 0, or 128 + n where signal n would not wait.
 * @throws {OperatorError} where no fleet can start at all: an address that is taken, a script that does not parse.
 */
export async function supervise(config: Config | readonly Config[], about: About): Promise<number> {
  const { predecessor, service } = about;
  const configs = [config].flat();
  const shared = sharedBy(configs);
  const house = new House(configs, about, shared);
  try {
    const drop = async (): Promise<void> => (await import('./privileges.js')).drop({ ...shared, listen: house.pinned });
    const inherited = [...(predecessor?.sockets ?? []), ...(service?.sockets() ?? [])];
    await house.apps.open(inherited, shared.user === undefined ? undefined : drop);
    if (shared.pidFile !== undefined && predecessor === undefined) writePidFile(shared.pidFile);
    return await house.live();
  } finally {
    if (shared.pidFile !== undefined) removePidFile(shared.pidFile);
    await house.close();
    abandonStdout();
  }
}
