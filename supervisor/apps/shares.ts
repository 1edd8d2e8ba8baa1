// Pure: which app is given which of the sockets that were handed over to the process.
import type { Config } from '../../config/config.js';
import { ExitCode, OperatorError } from '../../config/exit-code.js';
import type { Heirloom, Inherited } from '../inheritance.js';
import { isSameHost, placeOf } from '../place.js';

type Asking = Pick<Config, 'name' | 'listen'>;

/**
 * Of systemd's, whoever lists the name. Of a predecessor's, whoever lists the address, else the app that had it. What is nobody's
 * any more goes to the first, under no name, and is closed like all that nobody asks for.
 * @param former what the predecessor called an app.
 * @throws {OperatorError} where nobody lists a socket of systemd.
 */
export function shareOut(
  inherited: readonly Inherited[],
  apps: readonly Asking[],
  former: (app: string) => string | undefined,
): ReadonlyMap<string, readonly Inherited[]> {
  const shares = new Map<string, Inherited[]>(apps.map(({ name }) => [name, []]));
  const give = (app: Asking | undefined, one: Inherited): unknown => app && shares.get(app.name)?.push(one);
  const [first] = apps;
  for (const one of inherited) {
    const { heirloom } = one;
    if (heirloom.lent !== undefined) {
      give(apps.length === 1 ? first : whoLists(heirloom.lent, apps), one);
      continue;
    }
    const had = apps.find(({ name }) => former(name) === (heirloom.app ?? ''));
    const owner = (had && lists(had, heirloom) ? had : apps.find((app) => lists(app, heirloom))) ?? had;
    if (owner) give(owner, one);
    else give(first, { ...one, heirloom: { ...heirloom, key: undefined } });
  }
  return shares;
}

const lists = ({ listen }: Asking, { place, host }: Heirloom): boolean =>
  listen.some(
    (address) =>
      !('inherited' in address) &&
      placeOf(address) === place &&
      (!('host' in address) || isSameHost(address.host, host)),
  );

/** With several apps, only who asks for a socket of systemd by its name can be meant. */
function whoLists(lent: string, apps: readonly Asking[]): Asking {
  const found = apps.find(({ listen }) =>
    listen.some((address) => 'inherited' in address && address.inherited === lent),
  );
  if (found) return found;
  throw new OperatorError(
    `listen: a socket is handed over as "${lent}", and no app lists it: with several apps, write "systemd:<name>" into the one that it is for.`,
    ExitCode.badConfig,
  );
}
