// What every server of the chaos suite answers, whatever it is built with. Each answer says which process and which release it
// is from, so that the referee need believe nobody else.
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { stamp } from '../clock.mjs';

const release = process.env.CHAOS_RELEASE ?? '0';
/** A sick release fails each n-th of its requests; 0: none. */
const sick = Number(process.env.CHAOS_SICK ?? 0);
let asked = 0;

/** Bytes that tell their own place: none can be left out, doubled or swapped unseen. */
export function pattern(length) {
  const bytes = Buffer.allocUnsafe(length);
  for (let i = 0; i < length; i++) bytes[i] = (i + (i >> 8)) % 251;
  return bytes;
}

const names = (request) => ({
  'x-pid': process.pid,
  'x-release': release,
  'x-at': stamp(),
  ...(request.headers['x-echo'] && { 'x-echo': request.headers['x-echo'] }),
});

function whole(request, response, body) {
  const bytes = Buffer.from(body);
  response.writeHead(200, { ...names(request), 'content-type': 'text/plain', 'content-length': bytes.length });
  response.end(bytes);
}

function failLater() {
  setTimeout(() => {
    throw new Error('a bug of the chaos suite');
  }, 1);
}

const routes = {
  '/fast': (request, response) => whole(request, response, 'fast'),
  '/slow': (request, response, query) =>
    void setTimeout(whole, Number(query.get('ms')), request, response, `slow ${query.get('ms')}`),
  '/fault': failLater,

  /** Answers with what it got: how many bytes, and their checksum. */
  '/upload': (request, response) => {
    const sum = createHash('sha1');
    let length = 0;
    request.on('data', (chunk) => {
      sum.update(chunk);
      length += chunk.length;
    });
    request.on('end', () => whole(request, response, `${length} ${sum.digest('hex')}`));
  },

  /** In pieces, one each `ms`; chunked, or with its length said ahead. */
  '/download': async (request, response, query) => {
    const bytes = pattern(Number(query.get('bytes')));
    const size = Math.ceil(bytes.length / Number(query.get('pieces')));
    const length = query.get('framing') === 'length' ? { 'content-length': bytes.length } : {};
    response.writeHead(200, { ...names(request), ...length });
    for (let at = 0; at < bytes.length; at += size) {
      if (at > 0) await sleep(Number(query.get('ms')));
      response.write(bytes.subarray(at, at + size));
    }
    response.end();
  },

  /** Numbered events without an end. */
  '/events': (request, response) => {
    response.writeHead(200, { ...names(request), 'content-type': 'text/event-stream' });
    let number = 0;
    const next = () => response.write(`data: ${++number}\n\n`);
    next();
    const timer = setInterval(next, 200);
    response.on('close', () => clearInterval(timer));
  },
};

export function handle(request, response) {
  asked += 1;
  if (sick > 0 && asked % sick === 0) return failLater();
  const { pathname, searchParams } = new URL(request.url, 'http://localhost');
  const route = routes[pathname];
  if (route !== undefined) return route(request, response, searchParams);
  response.writeHead(404).end();
}

/** What comes is sent back. */
export function echo(socket) {
  socket.on('message', (text) => socket.send(String(text)));
}

/** Kept connections are the clients' to leave: none may end in a run because it was idle. */
export const KEPT_MS = 600_000;
