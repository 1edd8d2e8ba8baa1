// `npm run chaos [-- …]`: changes, faults and deaths under load, and an account of every request. Exit code 0: every bar held; 1: one
// was missed; 2: none was missed, but something is not there yet; 64: misused. Nothing leaves this machine.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { stopAll } from './fleet.mjs';
import { whatIsThere } from './needs.mjs';
import { play } from './play.mjs';
import { tell } from './report.mjs';
import { scenarios, short } from './scenarios.mjs';

const help = `node bench/chaos/main.mjs [options]

  --scenario A,B    which (default: all)
  --server NAME     http, fastify, fastify-early (closes itself as soon as it hears of a drain),
                    or the path of a script that listens on PORT (http)
  --cordon FOLDER   the built cordon under test (default: this one)
  --node PATH       the Node that runs the fleet (default: this one)
  --requests N      how many at least (default: what the scenario asks for, else 20000)
  --seconds N       after which no more is begun, and a load short of its requests ends (600)
  --seed N          of the clients' dice (1)
  --short           fewer of everything, and no bar that a busy machine would miss by milliseconds
  --anyway          run also what is not there yet, as far as it goes
  --log             print the fleet's log where a bar is missed
  --list            name the scenarios, and what they need that is not there

Scenarios:
${Object.entries(scenarios)
  .map(([name, { title }]) => `  ${name.padEnd(12)}${title}`)
  .join('\n')}`;

const options = readOptions();
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => void stopAll().finally(() => process.exit(128 + constants.signals[signal])));
const version = execFileSync(options.node, ['--version'], { encoding: 'utf8' }).trim();
const there = await whatIsThere(options);

let missed = 0;
let absent = 0;
for (const name of options.names) {
  const scenario = options.short ? short(scenarios[name]) : scenarios[name];
  const run = options.list
    ? { absent: (scenario.needs ?? []).filter((need) => !there.has(need)) }
    : await play(scenario, options, there);
  const verdict = tell(name, scenario, run, { ...options, version });
  if (verdict === 'missed') missed += 1;
  if (verdict === 'absent') absent += 1;
}
console.log(
  `${options.names.length} scenarios: ${options.names.length - missed - absent} ${options.list ? 'can be played' : 'held'}, ${missed} missed a bar, ${absent} in whole or in part not there yet`,
);
process.exitCode = options.list ? 0 : missed > 0 ? 1 : absent > 0 ? 2 : 0;

function readOptions() {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        scenario: { type: 'string' },
        server: { type: 'string', default: 'http' },
        cordon: { type: 'string', default: fileURLToPath(new URL('../..', import.meta.url)) },
        node: { type: 'string', default: process.execPath },
        requests: { type: 'string' },
        seconds: { type: 'string', default: '600' },
        seed: { type: 'string', default: '1' },
        anyway: { type: 'boolean', default: false },
        short: { type: 'boolean', default: false },
        log: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    }));
  } catch (error) {
    misuse(error.message);
  }
  if (values.help) {
    console.log(help);
    process.exit(0);
  }
  const names = values.scenario?.split(',') ?? Object.keys(scenarios);
  const unknown = names.filter((name) => !Object.hasOwn(scenarios, name));
  if (unknown.length > 0) misuse(`no such scenario: ${unknown.join(', ')}`);
  const count = (name) => {
    const number = Number(values[name]);
    if (!Number.isInteger(number) || number < 1)
      misuse(`--${name} is a whole number from 1 on, and not ${values[name]}`);
    return number;
  };
  if (!existsSync('/proc/self/status')) misuse('the referee reads /proc, which only Linux has');
  if (!existsSync(join(values.cordon, 'dist', 'cli', 'main.js'))) misuse('build first: npm run build');
  return {
    ...values,
    names,
    cordon: resolve(values.cordon),
    requests: values.requests === undefined ? undefined : count('requests'),
    seconds: count('seconds'),
    seed: count('seed'),
  };
}

function misuse(why) {
  console.error(`${why}\n\n${help}`);
  process.exit(64);
}
