// Pure: where an address is, as the operator would name it, so that what a program asks for is found among what the operator listed.
import type { BindableAddress } from '../config/config.js';
import type { BindQuery } from '../worker/protocol.js';

const EVERYWHERE = new Set([undefined, '::', '0.0.0.0']);
export const isSameHost = (one: string | undefined, other: string | undefined): boolean =>
  one === other || (EVERYWHERE.has(one) && EVERYWHERE.has(other));

export const isTcp = ({ addressType }: BindQuery): boolean => addressType === 4 || addressType === 6;

export const placeOf = (address: BindableAddress): string =>
  'path' in address ? `path:${address.path}` : `port:${address.port}`;

/** What a program asks for is the operator's address where the port, or the path, is the same: theirs is the more explicit wish. */
export function pinnedPlace({ address, port, addressType, index }: BindQuery): string {
  if (index !== 0) return '';
  if (addressType === -1) return `path:${address}`;
  return addressType === 4 || addressType === 6 ? `port:${port}` : '';
}
