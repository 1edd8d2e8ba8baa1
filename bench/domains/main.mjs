// What an error context costs a request: CPU time of the server process per request, bare, with node:domain, and with
// cordon's, interleaved in one run; and bare against bare, which is the noise. Each server is pressed before it is measured,
// as one that has run for a while: what a context costs in the collection of garbage does not show in the first requests.
//
//   node bench/domains/main.mjs [--pairs 5] [--seconds 2] [--works hello,awaits,objects] [--json]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median, undisturbed } from '../support/figures.mjs';
import { press } from '../support/pressure.mjs';
import { pinned } from '../support/process.mjs';

const { values: options } = parseArgs({
  options: {
    pairs: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    works: { type: 'string', default: 'hello,awaits,objects' },
    variants: { type: 'string', default: 'node,ours,request,task' },
    json: { type: 'boolean', default: false },
  },
});
const [pairs, seconds] = [Number(options.pairs), Number(options.seconds)];
const variants = ['bare', 'noise', ...options.variants.split(',')];
const server = fileURLToPath(new URL('server.mjs', import.meta.url));

async function takeWindows(child) {
  child.send('windows');
  const [{ windows }] = await once(child, 'message');
  return windows;
}

async function measure(variant, work) {
  // A core for each: a server that moves from core to core pays for it.
  const [file, ...args] = pinned('0', [process.execPath, server, variant === 'noise' ? 'bare' : variant, work]);
  const child = spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const [{ port }] = await once(child, 'message');
  const load = { users: 20, keepAlive: true, cpus: '1' };
  await press(port, { seconds: 2, ...load });
  await takeWindows(child);
  const { failed } = await press(port, { seconds, ...load });
  const windows = await takeWindows(child);
  child.disconnect();
  await once(child, 'exit');
  if (failed > 0) throw new Error(`${variant}, ${work}: ${failed} requests failed`);
  return undisturbed(windows);
}

async function compare(work) {
  const runs = Object.fromEntries(variants.map((variant) => [variant, []]));
  // There and back, so that a drift of the machine meets all alike.
  for (let pair = 0; pair < pairs; pair++)
    for (const variant of pair % 2 === 0 ? variants : variants.toReversed())
      runs[variant].push(await measure(variant, work));
  const rows = variants.map((variant) => {
    const against = (how) => median(runs[variant].map((micros, pair) => how(micros, runs.bare[pair])));
    const ratio = against((micros, bare) => micros / bare);
    // Whatever else the machine does can only add: the least of all runs is the least disturbed.
    const addedLeast = Math.min(...runs[variant]) - Math.min(...runs.bare);
    return [
      variant,
      { micros: median(runs[variant]), ratio, added: against((micros, bare) => micros - bare), addedLeast },
    ];
  });
  return Object.fromEntries(rows);
}

const times = (node, ours) => (ours > 0 ? (node / ours).toFixed(1) : 'any number of');
const result = { node: process.version, pairs, works: {} };
for (const work of options.works.split(',')) result.works[work] = await compare(work);

if (options.json) console.log(JSON.stringify(result));
else {
  console.log(
    `node ${result.node}, ${pairs} interleaved pairs: CPU per request, how often that of bare, what is added`,
  );
  console.log('medians; in brackets, by the least of all runs');
  for (const [work, rows] of Object.entries(result.works))
    for (const [variant, { micros, ratio, added, addedLeast }] of Object.entries(rows)) {
      const figures = `${micros.toFixed(1).padStart(7)} us  ${ratio.toFixed(2)} x  ${added.toFixed(2)} (${addedLeast.toFixed(2)}) us`;
      const isOurs = rows.node !== undefined && !['bare', 'noise', 'node'].includes(variant);
      const more = `  node:domain adds ${times(rows.node?.added, added)} (${times(rows.node?.addedLeast, addedLeast)}) times that`;
      console.log(`${work.padEnd(8)} ${variant.padEnd(8)} ${figures}${isOurs ? more : ''}`);
    }
}
