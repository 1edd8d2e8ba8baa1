// One listening socket of the supervisor's, and who listens on it.
import type { Handle } from './bind.js';
import type { Heirloom } from './inheritance.js';

export interface OwnedSocket {
  readonly handle: Handle;
  readonly heirloom: Heirloom;
  /** Bound by somebody else: Node removes the path of a unix socket only for the process that has bound it. */
  readonly adopted: boolean;
  /** Workers that listen on it. */
  readonly holders: Set<number>;
  /** The newest worker there was when the last holder died: only a later one can be its successor. */
  orphanedAt: number | undefined;
  /** The first worker's; the others take them over. */
  ticketKeys: string | undefined;
}

export const own = (handle: Handle, heirloom: Heirloom, adopted = false): OwnedSocket => ({
  handle,
  heirloom,
  adopted,
  holders: new Set(),
  // What is inherited waits for a worker that asks for it, as after the death of one.
  orphanedAt: adopted ? 0 : undefined,
  ticketKeys: heirloom.ticketKeys,
});

/** A program has closed it, and no worker's death is waited out there. */
export const isGivenUp = ({ adopted, holders, orphanedAt }: OwnedSocket): boolean =>
  adopted && holders.size === 0 && orphanedAt === undefined;
