// What it costs to look at a fleet: the commands themselves, and the supervisor's time for a scrape while it is under load.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { median, table } from './support/figures.mjs';
import { press } from './support/pressure.mjs';
import { cpuMs } from './support/process.mjs';
import { cordon, using } from './support/systems.mjs';

export const title = 'Commands and scrapes: 16 workers, a book of 1,000 incidents';

const WORKERS = 16;
const INCIDENTS = 1000;
const SCRAPES_A_SECOND = 10;
const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** CPU time of all children that have ended, user and system. */
function childrenMs() {
  const [user, system] = readFileSync('/proc/self/stat', 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
    .slice(13, 15)
    .map(Number);
  return (user + system) * 10;
}

/** Runs each in turn, so often; CPU and elapsed time of one run in the middle. */
function compare(commands, node, rounds) {
  const seen = Object.fromEntries(Object.keys(commands).map((name) => [name, { cpu: 0, took: [] }]));
  for (let round = 0; round < rounds; round++)
    for (const [name, words] of Object.entries(commands)) {
      const [before, begun] = [childrenMs(), performance.now()];
      const { status, stderr } = spawnSync(node, words, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
      if (status !== 0) throw new Error(`${words.join(' ')} ended with ${status}: ${stderr}`);
      seen[name].took.push(performance.now() - begun);
      seen[name].cpu += childrenMs() - before;
    }
  return Object.entries(seen).map(([name, { cpu, took }]) => ({ name, cpu: cpu / rounds, took: median(took) }));
}

const ask = (socketPath, path) =>
  new Promise((resolve, reject) => {
    request({ socketPath, path, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => (text += chunk));
      response.on('end', () => resolve(text)).on('error', reject);
    })
      .on('error', reject)
      .end();
  });

async function fill({ port }, socket) {
  for (let from = 0; from < INCIDENTS; from += 50) {
    await fetch(`http://127.0.0.1:${port}/report?from=${from}&to=${from + 50}`);
    await sleep(150);
  }
  for (let tries = 0; tries < 50; tries++) {
    const { incidents } = JSON.parse(await ask(socket, '/v1/errors'));
    if (incidents.length === INCIDENTS) return;
    await sleep(100);
  }
  throw new Error('the book has not got all incidents');
}

/** The supervisor's CPU time while clients press, with scrapes and without. */
async function scraped(server, socket, seconds, scrapes) {
  const begun = performance.now();
  const before = cpuMs([server.pid]);
  let count = 0;
  let bytes = 0;
  const pressing = press(server.port, { seconds, users: 32, keepAlive: true });
  for (const until = begun + (scrapes ? seconds * 1000 : 0); performance.now() < until; ) {
    bytes = (await ask(socket, '/metrics')).length;
    count++;
    await sleep(1000 / SCRAPES_A_SECOND);
  }
  const { answered } = await pressing;
  return { ms: cpuMs([server.pid]) - before, count, bytes, answered };
}

export async function bench({ node, rounds, seconds }) {
  const home = mkdtempSync(join(tmpdir(), 'cordon-bench-'));
  const socket = join(home, 'bench.sock');
  const config = { control: { socket }, errors: { dir: home }, logs: { level: 'error' } };
  const script = at('bench/servers/reporting.mjs');
  const main = at('dist/cli/main.js');
  try {
    await using(cordon({ node, script, workers: WORKERS, config }), async (server) => {
      const empty = ['-e', '0'];
      while (JSON.parse(await ask(socket, '/v1/status')).serving < WORKERS) await sleep(100);
      const few = compare({ empty, status: [main, 'status', socket] }, node, rounds * 4);
      await fill(server, socket);
      const many = compare(
        { empty, status: [main, 'status', socket], errors: [main, 'errors', socket] },
        node,
        rounds * 4,
      );
      const [{ cpu: nothing }] = few;
      const rows = [
        ...few.map((row) => ({ ...row, name: `${row.name}, an empty book` })),
        ...many.map((row) => ({ ...row, name: `${row.name}, ${INCIDENTS} incidents` })),
      ];
      console.log(
        table([
          ['', 'CPU, ms', 'beyond an empty Node', 'elapsed, ms'],
          ...rows.map(({ name, cpu, took }) => [name, cpu.toFixed(0), (cpu - nothing).toFixed(0), took.toFixed(0)]),
        ]),
      );
      const costs = [];
      for (let round = 0; round < rounds; round++) {
        const without = await scraped(server, socket, seconds * 2, false);
        const { ms, count, bytes, answered } = await scraped(server, socket, seconds * 2, true);
        costs.push((ms - without.ms) / count);
        if (round === 0) console.log(`\n${count} scrapes of ${bytes} bytes while ${answered} requests were answered`);
      }
      console.log(
        `a scrape costs the supervisor ${median(costs).toFixed(2)} ms (${costs.map((ms) => ms.toFixed(2)).join(', ')})`,
      );
    });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}
