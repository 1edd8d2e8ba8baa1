// A response of HTTP/1 from the inside: Node's own methods, whatever middleware has put on it since, and what decides whether the
// connection is kept behind it.
import type http from 'node:http';
import { ServerResponse } from '../config/http.js';

type Method<A extends unknown[], R = unknown> = (this: http.ServerResponse, ...args: A) => R;
const method = (name: keyof http.ServerResponse): unknown => Reflect.get(ServerResponse.prototype, name);

/** A response's methods as Node made them, whatever middleware has put on it since. */
export const node = {
  getHeaderNames: method('getHeaderNames') as Method<[], string[]>,
  removeHeader: method('removeHeader') as Method<[name: string]>,
  setHeader: method('setHeader') as Method<[name: string, value: string]>,
  writeHead: method('writeHead') as Method<[status: number]>,
  write: method('write') as Method<[text: string]>,
  end: method('end') as Method<[text?: string]>,
  storeHeader: Reflect.get(ServerResponse.prototype, '_storeHeader') as Method<unknown[]>,
};

/** What Node makes a head with, and what of it decides whether the connection is kept. */
interface Head {
  _header: string;
  _headerSent: boolean;
  _last: boolean;
}

/** `writeHead` alone sends nothing: the client knows of no head yet, and gets another. */
export function takeBack(response: http.ServerResponse, request: http.IncomingMessage): void {
  if (!response.headersSent || (response as http.ServerResponse & Head)._headerSent) return;
  const _hasBody = request.method !== 'HEAD';
  Object.assign(response, { _header: null, _contentLength: null, _hasBody, _last: false, chunkedEncoding: false });
}

/** A `Connection: keep-alive` of the program's own, as proxies copy it, would win over `shouldKeepAlive`: it is taken out of the head. */
export function overrule(response: http.ServerResponse): void {
  Object.defineProperty(response, '_storeHeader', { value: storeLastHeader, configurable: true, writable: true });
}

function storeLastHeader(this: http.ServerResponse & Head, ...head: unknown[]): void {
  Reflect.apply(node.storeHeader, this, head);
  if (this.statusCode === 101) return;
  const kept = this._header.replaceAll(/\r\n(?:connection|keep-alive):[^\r\n]*/gi, '');
  this._header = kept.replace(/\r\n\r\n$/, '\r\nConnection: close\r\n\r\n');
  this._last = true;
  if (!this.req.complete) lingerOnBody(this.req);
}

/** After an answer to a request whose body still arrives: closing at once would reset the client before it has read the answer. */
export const LINGER_ON_BODY_MS = 5000;

/** Node closes the connection behind the last answer. What the client still sends is read first, and dropped. */
function lingerOnBody(request: http.IncomingMessage): void {
  const { socket } = request;
  const destroySoon = (): void => {
    Reflect.deleteProperty(socket, 'destroySoon');
    if (request.complete || request.destroyed) return socket.destroySoon();
    const close = (): void => {
      clearTimeout(timer);
      socket.destroySoon();
    };
    const timer = setTimeout(close, LINGER_ON_BODY_MS).unref();
    request.once('end', close).once('close', close).resume();
  };
  Object.defineProperty(socket, 'destroySoon', { value: destroySoon, configurable: true, writable: true });
}

/** The program may go on with a response that was answered for it: nothing of that reaches the client, or fails once more. */
export function mute(response: http.ServerResponse): void {
  const self = (): http.ServerResponse => response;
  Object.assign(response, {
    write: () => true,
    end: self,
    writeHead: self,
    setHeader: self,
    appendHeader: self,
    removeHeader() {},
  });
}

/**
 * Server-sent events, and pictures that replace one another: they end when somebody ends them, and their clients ask again. Of other
 * answers nobody but the program knows whether they are whole.
 */
export const isEventStream = (contentType: unknown): boolean =>
  typeof contentType === 'string' && /^(?:text\/event-stream|multipart\/x-mixed-replace)\b/i.test(contentType);

/** Whether that is what went out. Headers that are given to `writeHead` alone are in the head and nowhere else. */
export const sendsEvents = (response: http.ServerResponse): boolean =>
  /\r\ncontent-type: *(?:text\/event-stream|multipart\/x-mixed-replace)\b/i.test(
    (response as http.ServerResponse & Head)._header ?? '',
  );
