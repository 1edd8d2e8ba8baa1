// Asks the program for a path until it answers 2xx: whether it is ready is for it to say. The question comes over a connection
// inside this process, since one from outside could be accepted by any worker.
import type net from 'node:net';
import { Duplex } from 'node:stream';
import { get } from '../config/http.js';
import { current } from './domain/current.js';

const AGAIN_MS = 250;
/** One that takes longer is asked once more. */
const PATIENCE_MS = 5000;

const probed = new WeakSet<net.Server>();

/** Asks each HTTP server that is not asked yet. Calls `healthy` with every first answer that is 2xx. */
export function probe(servers: Iterable<net.Server>, path: string, healthy: () => void): void {
  for (const server of servers) {
    if (probed.has(server)) continue;
    probed.add(server);
    current.run(undefined, () => void askUntilWell(server, path, healthy));
  }
}

async function askUntilWell(server: net.Server, path: string, healthy: () => void): Promise<void> {
  while (server.listening) {
    if (await isWell(server, path)) return healthy();
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

function isWell(server: net.Server, path: string): Promise<boolean> {
  const [near, far] = pair();
  // A TLS server has the connection once it is secure.
  server.emit(server.listenerCount('secureConnection') > 0 ? 'secureConnection' : 'connection', far);
  return new Promise((resolve) => {
    const headers = { host: 'localhost', 'user-agent': 'cordon', connection: 'close' };
    const request = get({ path, headers, timeout: PATIENCE_MS, createConnection: () => near });
    request.on('response', (response) => {
      const { statusCode = 0 } = response.resume();
      resolve(statusCode >= 200 && statusCode < 300);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(false));
    request.on('close', () => resolve(false));
  });
}

/** Two ends of one connection. */
function pair(): [Duplex, Duplex] {
  const ends: Duplex[] = [];
  for (const index of [0, 1])
    ends.push(
      new Duplex({
        read() {},
        write(chunk: Buffer, _encoding, done) {
          ends[1 - index]?.push(chunk);
          done();
        },
        final(done) {
          ends[1 - index]?.push(null);
          done();
        },
      }),
    );
  return ends as [Duplex, Duplex];
}
