// What containment costs: CPU of the server, and of its supervisor, for each request to an empty handler, on kept connections.
// Servers on one core, client on the other; every round starts every system afresh, since two processes of one program differ.
import { interleave, median, ratio, showRatio, table, undisturbed } from './support/figures.mjs';
import { press } from './support/pressure.mjs';
import { cpuMs } from './support/process.mjs';
import { bare, cordon, scripts, using } from './support/systems.mjs';

export const title =
  'CPU per request, empty handler, kept connections (µs; ratio to bare: median of rounds, least–most)';

const WARM_SECONDS = 3;

const windows = async ({ port }) => (await fetch(`http://127.0.0.1:${port}/windows`)).json();

export async function bench({ node, rounds, seconds }) {
  const at = { node, script: scripts.counted, cpus: '0' };
  const contenders = {
    bare: () => bare(at),
    'bare again': () => bare(at),
    cordon: () => cordon({ ...at, workers: 1 }),
    'cordon again': () => cordon({ ...at, workers: 1 }),
    'node:domain': () => bare({ ...at, script: scripts.domain }),
  };

  const perRequest = (start, system) =>
    using(start(), async (server) => {
      // As one that has run for a while: what is still being compiled is not what a request costs.
      await press(server.port, { seconds: WARM_SECONDS, keepAlive: true, cpus: '1' });
      await windows(server);
      const before = cpuMs([server.pid]);
      const { answered, failed } = await press(server.port, { seconds, keepAlive: true, cpus: '1' });
      if (failed > 0) throw new Error(`${server.name}: ${failed} requests failed`);
      const supervisor = system.startsWith('cordon') ? ((cpuMs([server.pid]) - before) * 1000) / answered : 0;
      return undisturbed(await windows(server)) + supervisor;
    });

  const seen = await interleave(contenders, rounds, perRequest);
  const ratios = {
    bare: '1',
    'bare again': showRatio(ratio(seen['bare again'], seen.bare)),
    cordon: showRatio(ratio(seen.cordon, seen.bare)),
    'cordon again': showRatio(ratio(seen['cordon again'], seen['bare again'])),
    'node:domain': showRatio(ratio(seen['node:domain'], seen.bare)),
  };
  console.log(
    table([
      ['', 'µs', 'ratio'],
      ...Object.keys(contenders).map((name) => [name, median(seen[name]).toFixed(1), ratios[name]]),
    ]),
  );
}
