// What is compared: the same server run bare, by cordon, by node:cluster. Each is started afresh and stopped by whoever asked.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, startServer } from './process.mjs';

const at = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

export const scripts = {
  empty: at('bench/servers/empty.mjs'),
  domain: at('bench/servers/domain.mjs'),
  failing: at('test/fixtures/servers/failing.mjs'),
};
const cordonMain = at('dist/cli/main.js');
const clusterMain = at('bench/baselines/cluster.mjs');

export async function bare({ node, script, cpus, name = 'bare' }) {
  return startServer({ name, words: [node, script], cpus, port: await freePort() });
}

export async function cluster({ node, script, cpus, workers, name = 'node:cluster' }) {
  const env = { WORKERS: String(workers), SCRIPT: script };
  return startServer({ name, words: [node, clusterMain], env, cpus, port: await freePort() });
}

/** cordon as its users start it, with a configuration file where one is given. */
export async function cordon({ node, script, cpus, workers, config, name = 'cordon' }) {
  const home = mkdtempSync(join(tmpdir(), 'cordon-bench-'));
  const file = join(home, 'cordon.config.json');
  if (config) writeFileSync(file, JSON.stringify(config));
  const options = ['-w', String(workers), '--log-format', 'json', ...(config ? ['-c', file] : [])];
  const words = [node, cordonMain, 'start', script, ...options];
  try {
    return await startServer({ name, words, cpus, port: await freePort() });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** Runs `use` with a started server, and stops it whatever happens. */
export async function using(starting, use) {
  const server = await starting;
  try {
    return await use(server);
  } finally {
    server.orphans = await server.stop();
  }
}

/** The workers that the supervisor's log speaks of, by their ids. */
export function workersIn(log) {
  const seen = new Set();
  for (const line of log.split('\n')) {
    if (!line.startsWith('{')) continue;
    try {
      const { worker } = JSON.parse(line);
      if (worker !== undefined) seen.add(worker);
    } catch {
      // a line of the program's own
    }
  }
  return seen.size;
}
