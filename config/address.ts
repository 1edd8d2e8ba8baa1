// An address to listen on, in words: 'host:port', ':port', a port, '[::1]:3000', the path of a unix socket, or the
// name of a socket that systemd has bound.
import { isIP } from 'node:net';
import type { ListenAddress } from './config.js';

/** What the operator may write; every complaint about an address ends with it. */
export const addressForms =
  '"host:port", ":port", "[::1]:3000", a unix path such as "unix:/run/api.sock" or an inherited socket such as "systemd:http"';

/** A longer one is cut by Node 20 without a word, and refused by later ones. */
const longestPathBytes = 107;

const hostAndPort = /^(?:\[(?<bracketed>[^\]]*)\]|(?<plain>[^:[\]]*)):(?<port>\d+)$/;
const hostname = /^(?!-)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?$/;

export const isPort = (text: string): boolean => /^\d{1,5}$/.test(text) && Number(text) <= 65_535;

/** The path, where `text` means a unix socket. */
export function unixPath(text: string): string | undefined {
  if (text.startsWith('unix:')) return text.slice('unix:'.length);
  return /^(?:\/|\.\.?\/)/.test(text) ? text : undefined;
}

/** systemd's FileDescriptorName=: printable ASCII without colons. */
const socketName = /^systemd:(?<name>[!-9;-~][ -9;-~]{0,254})$/;

/** What is wrong with it, as the rest of a sentence that begins with "expected"; undefined where nothing is. */
export function misaddressed(text: string): string | undefined {
  const path = unixPath(text);
  if (path !== undefined) return mispathed(path);
  if (text.startsWith('systemd:') && !isPort(text.slice('systemd:'.length)))
    return socketName.test(text) ? undefined : 'the FileDescriptorName of a socket unit after "systemd:"';
  if (/^\d+$/.test(text)) return isPort(text) ? undefined : 'a port from 0 to 65535';
  if (isIP(text) === 6) return `an IPv6 address in brackets and a port, such as "[${text}]:3000"`;
  const { bracketed, plain, port } = hostAndPort.exec(text)?.groups ?? {};
  if (port === undefined) return addressForms;
  if (!isPort(port)) return 'a port from 0 to 65535';
  if (bracketed !== undefined) return isIP(bracketed) === 6 ? undefined : 'an IPv6 address inside the brackets';
  const host = plain ?? '';
  if (/^[\d.]+$/.test(host) && isIP(host) !== 4) return 'an IPv4 address of four numbers from 0 to 255, and a port';
  return host === '' || hostname.test(host) ? undefined : addressForms;
}

/** `text` must be well addressed. A unix path stays as it is written. */
export function listenAddress(text: string): ListenAddress {
  const path = unixPath(text);
  if (path !== undefined) return { path };
  const { name } = socketName.exec(text)?.groups ?? {};
  if (name !== undefined && !isPort(name)) return { inherited: name };
  if (/^\d+$/.test(text)) return { host: undefined, port: Number(text) };
  const { bracketed, plain, port } = hostAndPort.exec(text)?.groups ?? {};
  return { host: bracketed ?? (plain === '' ? undefined : plain), port: Number(port) };
}

/** Of an absolute path, too: that is what is bound in the end. */
export function mispathed(path: string): string | undefined {
  if (path === '') return 'a path after "unix:"';
  if (Buffer.byteLength(path) > longestPathBytes) return `a unix path of at most ${longestPathBytes} bytes`;
  return undefined;
}

/** As the operator would write it. */
export function addressWords(address: ListenAddress): string {
  if ('inherited' in address) return `systemd:${address.inherited}`;
  if ('path' in address) return `unix:${address.path}`;
  const { host = '', port } = address;
  return `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
}
