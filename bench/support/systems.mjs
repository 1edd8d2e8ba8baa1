// What is compared: the same server run bare, by cordon, by node:cluster. Each is started afresh and stopped by whoever asked.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, startServer } from './process.mjs';

const at = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

export const scripts = {
  empty: at('bench/servers/empty.mjs'),
  counted: at('bench/servers/counted.mjs'),
  domain: at('bench/servers/domain.mjs'),
  failing: at('test/fixtures/servers/failing.mjs'),
};
export const cordonMain = at('dist/cli/main.js');
const clusterMain = at('bench/baselines/cluster.mjs');

export async function bare({ node, script, cpus, name = 'bare' }) {
  return startServer({ name, words: [node, script], cpus, port: await freePort() });
}

export async function cluster({ node, script, cpus, workers, name = 'node:cluster' }) {
  const env = { WORKERS: String(workers), SCRIPT: script };
  return startServer({ name, words: [node, clusterMain], env, cpus, port: await freePort() });
}

/** cordon as its users start it, with a configuration where one is given. */
export async function cordon({ node, script, cpus, workers, config = {}, name = 'cordon' }) {
  const home = mkdtempSync(join(tmpdir(), 'cordon-bench-'));
  const file = join(home, 'cordon.config.json');
  writeFileSync(file, JSON.stringify(config));
  const forget = () => rmSync(home, { recursive: true, force: true });
  const words = [
    node,
    cordonMain,
    'start',
    script,
    '-w',
    String(workers),
    '--log-format',
    'json',
    '-c',
    file,
    '-n',
    basename(home),
  ];
  try {
    const server = await startServer({ name, words, cpus, port: await freePort() });
    return {
      ...server,
      get log() {
        return server.log;
      },
      stop: () => server.stop().finally(forget),
    };
  } catch (error) {
    forget();
    throw error;
  }
}

/** Runs `use` with a started server, and stops it whatever happens. */
export async function using(starting, use) {
  const server = await starting;
  try {
    return await use(server);
  } finally {
    const left = await server.stop();
    if (left > 0) console.log(`${server.name}: ${left} processes had not ended 8 s after SIGTERM, and were killed`);
  }
}

/** What became of the workers, by the word of the supervisor's log: how many were replaced after a fault, and how many just died. */
export function fates(log) {
  const replaced = new Set();
  const died = new Set();
  for (const line of log.split('\n')) {
    if (!line.startsWith('{')) continue;
    try {
      const { worker, cause, code } = JSON.parse(line);
      if (worker === undefined || code === undefined) continue; // only of one that is gone is an exit code told
      if (cause === 'fault') replaced.add(worker);
      else if (cause === undefined) died.add(worker);
    } catch {
      // a line of the program's own
    }
  }
  return { replaced: replaced.size, died: died.size };
}
