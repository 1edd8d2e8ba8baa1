// Listening sockets that come from somebody else: a supervisor that leaves passes them on to its successor, systemd lends them to a
// service. They travel as open descriptors; what belongs to each is data.
import type { Handle } from './bind.js';

/** One listening socket, as its heir is told of it. */
export interface Heirloom {
  /** The app of the predecessor that had it. */
  readonly app?: string | undefined;
  /** Under which workers have asked for it. Absent where only the operator did. */
  readonly key?: string | undefined;
  /** Where it listens as the operator would name it, `port:<port>` or `path:<path>`; empty where no name fits. */
  readonly place: string;
  /** The host that the operator gave; undefined for all. */
  readonly host?: string;
  /** The kind decides how a descriptor is opened. */
  readonly kind: 'stream' | 'udp4' | 'udp6';
  /** The file of a unix socket. Its last owner removes it. */
  readonly path?: string;
  readonly ticketKeys?: string;
  /** systemd's, by this name: it listens on after this process, and its path is not ours to remove. */
  readonly lent?: string;
}

/** An heirloom and its open descriptor. */
export interface Inherited {
  readonly heirloom: Heirloom;
  readonly fd: number;
  /** Where somebody had to open it already to know it. */
  readonly handle?: Handle;
}
