// The benchmark's client on a machine that is too busy for it: what was answered must not be told as lost.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import { root } from '../support/fleet.js';

interface Outcome {
  readonly became: 'answered' | 'cut' | 'lost';
  readonly why?: string;
}
const { Connection } = (await import(`file://${root}bench/client/connection.mjs`)) as {
  Connection: new (
    host: string,
    port: number,
  ) => { localPort?: number; ask: (bytes: string, timeoutMs: number, settle: (outcome: Outcome) => void) => void };
};

const PATIENCE_MS = 50;
const bytes = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';
/** In a thread of its own, so that it answers while the client stands still. Tells through the memory that it has. */
const server = `const { parentPort, workerData } = require('node:worker_threads');
require('node:http').createServer((request, response) => response.end('ok', () => {
  Atomics.store(workerData, 0, 1);
  Atomics.notify(workerData, 0);
})).listen(0, '127.0.0.1', function () { parentPort.postMessage(this.address().port); });`;

async function opened(connection: { localPort?: number }): Promise<void> {
  while (connection.localPort === undefined) await new Promise(setImmediate);
}

for (const [when, connected] of [
  ['after it asked', true],
  ['before it was connected', false],
] as const) {
  test(`an answer is no loss to a client that was held up for longer than its patience ${when}`, async (t) => {
    const answered = new Int32Array(new SharedArrayBuffer(4));
    const thread = new Worker(server, { eval: true, workerData: answered });
    t.teardown(() => thread.terminate());
    const [port] = (await once(thread, 'message')) as [number];
    const connection = new Connection('127.0.0.1', port);
    if (connected) await opened(connection);
    const outcome = await new Promise<Outcome>((resolve) => {
      connection.ask(bytes, PATIENCE_MS, resolve);
      if (connected) Atomics.wait(answered, 0, 0);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PATIENCE_MS * 2);
    });
    t.deepEqual([outcome.became, outcome.why], ['answered', undefined]);
  });
}
