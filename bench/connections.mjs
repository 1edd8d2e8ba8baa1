// New connections a second, one for each request. Against node:cluster's default, whose primary accepts and hands over.
import { interleave, median, ratio, showRatio, table } from './support/figures.mjs';
import { press } from './support/pressure.mjs';
import { cluster, cordon, scripts, using } from './support/systems.mjs';

export const title = 'New connections a second (ratio to node:cluster: median of rounds, least–most)';

const places = [
  { says: '1 worker, system on one core, client on the other', workers: 1, serverCpus: '0', clientCpus: '1' },
  { says: '2 workers, no pinning', workers: 2 },
  { says: '2 workers, system on one core, client on the other', workers: 2, serverCpus: '0', clientCpus: '1' },
];

export async function bench({ node, rounds, seconds }) {
  for (const { says, workers, serverCpus, clientCpus } of places) {
    const at = { node, script: scripts.empty, cpus: serverCpus, workers };
    const contenders = {
      'node:cluster': () => cluster(at),
      'node:cluster again': () => cluster(at),
      cordon: () => cordon(at),
      'cordon again': () => cordon(at),
    };
    const busy = {};
    const cost = {};

    const perSecond = (start, name) =>
      using(start(), async (server) => {
        await press(server.port, { seconds: 1, keepAlive: false, cpus: clientCpus });
        const before = server.cpuMs();
        const { answered, failed, tookMs } = await press(server.port, { seconds, keepAlive: false, cpus: clientCpus });
        const spentMs = server.cpuMs() - before;
        (busy[name] ??= []).push(spentMs / tookMs);
        (cost[name] ??= []).push((spentMs * 1000) / answered);
        if (failed > 0) console.log(`${name}: ${failed} requests failed`);
        return (answered * 1000) / tookMs;
      });

    const seen = await interleave(contenders, rounds, perSecond);
    const baseline = seen['node:cluster'];
    console.log(`\n${says}`);
    console.log(
      table([
        ['', 'connections/s', 'ratio', 'cores busy', 'µs of CPU each'],
        ...Object.keys(contenders).map((name) => [
          name,
          median(seen[name]).toFixed(0),
          showRatio(ratio(seen[name], name === 'cordon again' ? seen['node:cluster again'] : baseline)),
          median(busy[name]).toFixed(2),
          median(cost[name]).toFixed(0),
        ]),
      ]),
    );
  }
  console.log(
    '\nWhere a system has a core to itself and keeps less than 0.9 of it busy, the client was the limit.\nWhere client and workers share the cores, compare the CPU that each connection takes.',
  );
}
