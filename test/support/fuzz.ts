// What nobody should send to a control socket. Seeded, so that what broke once can be broken again.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

type Random = () => number;

/** Mulberry32. */
function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const below = (random: Random, limit: number): number => Math.floor(random() * limit);
const pick = <T>(random: Random, choices: readonly T[]): T => choices[below(random, choices.length)] as T;
const bytes = (random: Random, length: number): Buffer =>
  Buffer.from(Uint8Array.from({ length }, () => below(random, 256)));

/** Paths whose orders would change the fleet are asked for with bodies that must be refused. */
const paths = [
  '/v1/status',
  '/v1/errors',
  '/v1/logs',
  '/v1/events?follow',
  '/v1/fleet',
  '/livez',
  '/v1/workers/1',
  '/nope',
];
const orders = ['/v1/stop', '/v1/reload', '/v1/scale', '/v1/restart', '/v1/upgrade', '/v1/workers/1/drain'];
const bodies = ['{', '[]', '"x"', 'null', '{"nwo":1}', '{"__proto__":{}}', '{"now":1,"to":"x"}', '[[[[[[', '\u0000'];

const attacks: readonly ((random: Random) => string | Buffer)[] = [
  (random) => bytes(random, 1 + below(random, 2000)),
  (random) => `GET ${pick(random, paths)} HTTP/1.1\r\nhost: x\r\nx-big: ${'h'.repeat(below(random, 100_000))}\r\n\r\n`,
  (random) => `GET ${pick(random, paths)} HTTP/1.1\r\nhost: x\r\n${'a: b\r\n'.repeat(below(random, 5000))}\r\n`,
  () => `GET /${'p'.repeat(1_000_000)} HTTP/1.1\r\nhost: x\r\n\r\n`,
  (random) => `POST ${pick(random, orders)} HTTP/1.1\r\nhost: x\r\ncontent-le`,
  (random) =>
    `POST ${pick(random, orders)} HTTP/1.1\r\nhost: x\r\ncontent-length: ${below(random, 1e9)}\r\n\r\n{"now":`,
  (random) => {
    const body = pick(random, bodies);
    return `POST ${pick(random, orders)} HTTP/1.1\r\nhost: x\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  },
  (random) =>
    `POST ${pick(random, orders)} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n${'5\r\nxxxxx\r\n'.repeat(below(random, 20_000))}`,
  (random) => `GET ${pick(random, paths)} HTTP/1.1\r\nhost: x\r\n\r\n`.repeat(1 + below(random, 50)),
  (random) => `GET /v1/logs?${encodeURIComponent(bytes(random, 40).toString('latin1'))} HTTP/1.1\r\nhost: x\r\n\r\n`,
  (random) => `GET ${pick(random, paths)} HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n`,
  () => 'CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n',
  () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  () => '',
];

export interface Attacked {
  readonly attacks: number;
  readonly refusedConnections: number;
}

/** Attacks over many connections at once until it is over; half of them read nothing, and some leave without a word. */
export async function attack(path: string, seed: number, forMs: number, connections: number): Promise<Attacked> {
  const random = randomFrom(seed);
  const until = performance.now() + forMs;
  let count = 0;
  let refused = 0;
  const one = async (): Promise<void> => {
    while (performance.now() < until) {
      const socket = connect(path);
      socket.on('error', () => {});
      // Where too many wait to be accepted, the kernel refuses at once.
      await Promise.race([once(socket, 'connect'), new Promise((closed) => socket.once('close', closed))]).catch(
        () => {},
      );
      if (socket.destroyed) refused++;
      else await send(socket, random, until);
      count++;
    }
  };
  await Promise.all(Array.from({ length: connections }, one));
  return { attacks: count, refusedConnections: refused };
}

async function send(socket: Socket, random: Random, until: number): Promise<void> {
  if (random() < 0.5) socket.resume();
  socket.write(pick(random, attacks)(random));
  if (random() < 0.2) socket.end();
  const patience = Math.min(until - performance.now(), 20 + below(random, 500));
  const timer = setTimeout(() => socket.destroy(), Math.max(1, patience));
  if (!socket.destroyed) await new Promise((closed) => socket.once('close', closed));
  clearTimeout(timer);
}
