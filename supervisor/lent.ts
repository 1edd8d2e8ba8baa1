// Sockets that somebody else has bound and goes on listening on: which of them answers a question, and whether the operator's list
// and what was handed over fit together. Pure.
import type { ListenAddress } from '../config/config.js';
import { ExitCode, OperatorError } from '../config/exit-code.js';
import type { Heirloom } from './inheritance.js';

/** Two may share a port, on different hosts: then the host decides. */
export function matching<Socket extends { readonly heirloom: Heirloom }>(
  lent: readonly Socket[],
  place: string,
  host: string | undefined,
): Socket | undefined {
  const here = lent.filter(({ heirloom }) => heirloom.place === place);
  return here.find(({ heirloom }) => heirloom.host === host) ?? here[0];
}

/**
 * A name that nothing was handed over under, or, where names are listed at all, a socket that is not among them.
 * @throws {OperatorError} before a client can wait there in vain.
 */
export function compare(lent: readonly { readonly heirloom: Heirloom }[], listen: readonly ListenAddress[]): void {
  const given = new Set(lent.flatMap(({ heirloom }) => heirloom.lent ?? []));
  const listed = new Set(listen.flatMap((address) => ('inherited' in address ? address.inherited : [])));
  for (const name of listed)
    if (!given.has(name))
      throw new OperatorError(
        `listen: expected a socket of systemd called "${name}", got ${given.size === 0 ? 'none at all' : quoted(given)}. Give the socket unit FileDescriptorName=${name}, and start the service through systemd.`,
        ExitCode.badConfig,
      );
  const stray = [...given].filter((name) => !listed.has(name));
  if (listed.size > 0 && stray.length > 0)
    throw new OperatorError(
      `listen: systemd hands over ${quoted(stray)}, which is not listed: clients would wait there for ever. Add "systemd:${stray[0]}", or take the socket out of the unit.`,
      ExitCode.badConfig,
    );
}

const quoted = (names: Iterable<string>): string => [...names].map((name) => `"${name}"`).join(', ');

/** `*:8080 (http)`, as a sentence names it. */
export const nameOfLent = ({ host, place, path, lent }: Heirloom): string =>
  `${path?.replace('\0', '@') ?? `${host?.includes(':') ? `[${host}]` : (host ?? '*')}:${place.slice('port:'.length)}`} (${lent})`;
