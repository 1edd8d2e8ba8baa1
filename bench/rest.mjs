// What the supervisor takes when nothing happens, and how much later the first answer comes.
import { setTimeout as sleep } from 'node:timers/promises';
import { median, table } from './support/figures.mjs';
import { cpuMs, memoryMb } from './support/process.mjs';
import { bare, cluster, cordon, scripts, using } from './support/systems.mjs';

export const title = 'At rest: primary of 2 workers, 10 s; boot to first answer, 1 worker';

/** V8 collects the garbage of a boot some nine seconds after it, once: that belongs to the boot. */
const SETTLE_MS = 15_000;
const IDLE_MS = 10_000;

export async function bench({ node, rounds }) {
  const at = { node, script: scripts.empty };
  const rows = [['', 'RSS, MB', 'PSS, MB', 'CPU, % of a core']];
  for (const start of [cordon, cluster]) {
    await using(start({ ...at, workers: 2 }), async (server) => {
      await sleep(SETTLE_MS);
      const before = cpuMs([server.pid]);
      await sleep(IDLE_MS);
      const busy = ((cpuMs([server.pid]) - before) / IDLE_MS) * 100;
      const { rss, pss } = memoryMb(server.pid);
      rows.push([server.name, rss.toFixed(1), pss.toFixed(1), busy.toFixed(2)]);
    });
  }
  console.log(`${table(rows)}\n`);

  const boots = { bare: [], 'bare again': [], cordon: [], 'node:cluster': [] };
  const starts = {
    bare: () => bare(at),
    cordon: () => cordon({ ...at, workers: 1 }),
    'node:cluster': () => cluster({ ...at, workers: 1 }),
    'bare again': () => bare(at),
  };
  for (let round = 0; round < rounds; round++) {
    for (const [name, start] of Object.entries(starts)) {
      await using(start(), (server) => void boots[name].push(server.bootMs));
    }
  }
  console.log(
    table([
      ['', 'first answer after, ms'],
      ...Object.entries(boots).map(([name, ms]) => [name, median(ms).toFixed(0)]),
    ]),
  );
}
