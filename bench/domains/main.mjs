// What an error context costs a request: CPU time of the server process per request, bare, with node:domain, and with
// cordon's, interleaved in one run; and bare against bare, which is the noise.
//
//   node bench/domains/main.mjs [--pairs 5] [--requests 8000] [--works hello,awaits,objects] [--json]
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    pairs: { type: 'string', default: '5' },
    requests: { type: 'string', default: '8000' },
    works: { type: 'string', default: 'hello,awaits,objects' },
    variants: { type: 'string', default: 'node,ours,request,task' },
    json: { type: 'boolean', default: false },
  },
});
const pairs = Number(options.pairs);
const variants = ['bare', 'noise', ...options.variants.split(',')];
const server = fileURLToPath(new URL('server.mjs', import.meta.url));

async function cpuMicros(child) {
  child.send('cpu');
  const [{ cpuMicros: micros }] = await once(child, 'message');
  return micros;
}

async function load(port, requests, agent) {
  let left = requests;
  const user = async () => {
    while (left-- > 0)
      await new Promise((resolve, reject) => {
        get({ port, host: '127.0.0.1', agent }, (response) => response.resume().on('end', resolve)).on('error', reject);
      });
  };
  await Promise.all(Array.from({ length: 20 }, user));
}

async function measure(variant, work) {
  const requests = Number(options.requests) / (work === 'hello' ? 1 : 2);
  const child = fork(server, [variant === 'noise' ? 'bare' : variant, work]);
  const [{ port }] = await once(child, 'message');
  const agent = new Agent({ keepAlive: true, maxSockets: 20 });
  await load(port, requests / 2, agent);
  const before = await cpuMicros(child);
  await load(port, requests, agent);
  const micros = (await cpuMicros(child)) - before;
  agent.destroy();
  child.disconnect();
  await once(child, 'exit');
  return micros / requests;
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
const result = { node: process.version, pairs, works: {} };

for (const work of options.works.split(',')) {
  const runs = Object.fromEntries(variants.map((variant) => [variant, []]));
  for (let pair = 0; pair < pairs; pair++)
    for (const variant of variants) runs[variant].push(await measure(variant, work));
  const against = (variant) => median(runs[variant].map((micros, pair) => micros / runs.bare[pair]));
  result.works[work] = Object.fromEntries(
    variants.map((variant) => [variant, { micros: median(runs[variant]), ratio: against(variant) }]),
  );
}

if (options.json) console.log(JSON.stringify(result));
else {
  console.log(`node ${result.node}, ${pairs} interleaved pairs: median CPU per request, and how often that of bare`);
  for (const [work, rows] of Object.entries(result.works))
    for (const [variant, { micros, ratio }] of Object.entries(rows))
      console.log(`${work.padEnd(8)} ${variant.padEnd(8)} ${micros.toFixed(1).padStart(7)} us  ${ratio.toFixed(2)} x`);
}
