// As many requests as a server can take: wrk where it is installed, else the client of this folder.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { run } from './process.mjs';

const client = fileURLToPath(new URL('../client/main.mjs', import.meta.url));
export const wrk = spawnSync('wrk', ['--version']).error === undefined;

/** Addresses of this machine, in turn, so that no run wants for ports that the one before it has used up. */
let turn = 0;
const nextHost = () => `127.0.0.${1 + (turn++ % 16)}`;

/** Presses for a while; returns how many were answered, how many failed, and for how long. */
export async function press(port, { seconds, users = 32, keepAlive, cpus }) {
  if (!wrk) {
    const account = await runLoad(
      { port, keepAlive, users, requests: 1e9, durationMs: seconds * 1000, hosts: [nextHost()], routes: quiet },
      cpus,
    );
    return { answered: account.innocent.answered, failed: account.innocent.lost, tookMs: account.tookMs };
  }
  const close = keepAlive ? [] : ['-H', 'Connection: close'];
  const words = ['wrk', '-t1', `-c${users}`, `-d${seconds}s`, ...close, `http://${nextHost()}:${port}/ok`];
  const out = await run(words, { cpus, timeoutMs: seconds * 1000 + 10_000 });
  const [, answered, took, unit] = /(\d+) requests in ([\d.]+)(ms|s|m),/.exec(out) ?? [];
  const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(out)?.slice(1) ?? [];
  const wrong = /Non-2xx or 3xx responses: (\d+)/.exec(out)?.[1] ?? 0;
  if (answered === undefined) throw new Error(`wrk said something unexpected:\n${out}`);
  return {
    answered: Number(answered),
    failed: [...errors, wrong].reduce((sum, count) => sum + Number(count), 0),
    tookMs: Number(took) * { ms: 1, s: 1000, m: 60_000 }[unit],
  };
}

const quiet = [{ path: '/ok', weight: 1, innocent: true, expected: 'ok' }];

/** A load by the client of this folder, in a process of its own. */
export async function runLoad(orders, cpus) {
  const timeoutMs = orders.durationMs + (orders.timeoutMs ?? 10_000) + 15_000;
  const hosts = orders.hosts ?? ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4'];
  return JSON.parse(await run([process.execPath, client, JSON.stringify({ ...orders, hosts })], { cpus, timeoutMs }));
}
