// `npm run bench [-- name…]`: what cordon costs and what it saves, as ratios taken in one interleaved run, each with the same
// code against itself beside it. Loads are bounded in count and time and never leave this machine.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const files = {
  cpu: './cpu.mjs',
  connections: './connections.mjs',
  collateral: './collateral.mjs',
  storm: './storm.mjs',
  crashloop: './crash-loop.mjs',
  logs: './logs.mjs',
  rest: './rest.mjs',
  control: './control.mjs',
};
const names = Object.keys(files);
const help = `node bench/main.mjs [${names.join('|')}]…

  --node PATH       the Node that runs the servers (default: this one)
  --rounds N        interleaved rounds, each there and back (5)
  --seconds N       of each measurement (1; --full: 3)
  --innocents N     in each collateral run (1000; --full: 50000)
  --kinds A,B       ways to fail in the collateral runs (all)
  --storm-seconds N (20)
  --storm-rounds N  (1; --full: 3)
  --storm-rate N    requests a second, quiet or not, and no more (as many as can be)
  --storm-mix WORDS of 'amid slow ones, kept', 'amid slow ones, new', 'all quick, kept', 'all quick, new' those with
                    these words in them (all)
  --crash-workers N of each program that cannot live (2)
  --crash-seconds N that crash loops are watched for, after the first 10 (60)
  --line-rate N     lines a second of the log's run (100000)
  --line-seconds N  of it (10)
  --seed N          of the client's dice (1)
  --full            the figures to be published; takes over an hour`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    node: { type: 'string', default: process.execPath },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string' },
    innocents: { type: 'string' },
    kinds: { type: 'string' },
    'storm-seconds': { type: 'string', default: '20' },
    'storm-rounds': { type: 'string' },
    'storm-rate': { type: 'string' },
    'storm-mix': { type: 'string', multiple: true, default: [''] },
    'crash-workers': { type: 'string', default: '2' },
    'crash-seconds': { type: 'string', default: '60' },
    'line-rate': { type: 'string', default: '100000' },
    'line-seconds': { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    full: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const unknown = positionals.filter((name) => !names.includes(name));
if (values.help || unknown.length > 0) {
  console.log(unknown.length > 0 ? `no such benchmark: ${unknown.join(', ')}\n\n${help}` : help);
  process.exit(values.help ? 0 : 64);
}
if (!existsSync('/proc/self/schedstat'))
  throw new Error('the benchmark reads CPU time from /proc, which only Linux has');
if (!existsSync(fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))))
  throw new Error('build first: npm run build');

const options = {
  node: values.node,
  rounds: Number(values.rounds),
  seconds: Number(values.seconds ?? (values.full ? 3 : 1)),
  innocents: Number(values.innocents ?? (values.full ? 50_000 : 1000)),
  kinds: values.kinds?.split(','),
  stormSeconds: Number(values['storm-seconds']),
  stormRounds: Number(values['storm-rounds'] ?? (values.full ? 3 : 1)),
  crashWorkers: Number(values['crash-workers']),
  crashSeconds: Number(values['crash-seconds']),
  stormRate: values['storm-rate'] && Number(values['storm-rate']),
  stormMixes: values['storm-mix'],
  lineRate: Number(values['line-rate']),
  lineSeconds: Number(values['line-seconds']),
  seed: Number(values.seed),
};

const { wrk } = await import('./support/pressure.mjs');
const { watchOthers } = await import('./support/machine.mjs');
const version = execFileSync(options.node, ['--version'], { encoding: 'utf8' }).trim();
console.log(
  `Node ${version}, ${cpus().length} cores, load by ${wrk ? 'wrk' : 'the client of this folder (wrk is not installed)'}`,
);

for (const name of names.filter((one) => positionals.length === 0 || positionals.includes(one))) {
  const { title, bench } = await import(files[name]);
  const begun = performance.now();
  const others = watchOthers();
  console.log(`\n## ${title}\n`);
  await bench(options);
  const seconds = ((performance.now() - begun) / 1000).toFixed(0);
  console.log(`\n(${seconds} s; others took ${(others() * 100).toFixed(0)} % of this machine meanwhile)`);
}
