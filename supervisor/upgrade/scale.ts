// Pure: a size that was asked for of a running fleet stays, over a reload and over an upgrade, for as long as the configuration does
// not ask for another.
import type { Scale } from './protocol.js';

type Wanted = Scale['configured'];

/** How many workers a fleet is to have by this configuration, which has so many now. */
export function scaled({ workers, standby }: Wanted, now: Scale | undefined): { size: number; standby: number } {
  const { configured } = now ?? {};
  return {
    size: now !== undefined && configured?.workers === workers ? now.size : workers,
    standby: now !== undefined && configured?.standby === standby ? now.standby : standby,
  };
}
