// The job of contrib/nomad. Nomad publishes no schema in a package: the keys are those of its documentation, of the job specification
// and the docker driver, as far as they are used here.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { root } from '../support/fleet.js';
import { type Block, readHcl } from '../support/hcl.js';

const duration = /^\d+(?:ms|s|m|h)$/;
type Rule = 'text' | 'number' | 'boolean' | 'texts' | RegExp;

/** What each block may hold, by its type and the types of those around it. */
const known: Readonly<
  Record<string, { readonly keys: Readonly<Record<string, Rule>>; readonly in: string; readonly named: boolean }>
> = {
  job: { in: '', named: true, keys: {} },
  group: { in: 'job', named: true, keys: { count: 'number' } },
  update: {
    in: 'group',
    named: false,
    keys: {
      max_parallel: 'number',
      health_check: /^(?:checks|task_states|manual)$/,
      min_healthy_time: duration,
      auto_revert: 'boolean',
    },
  },
  network: { in: 'group', named: false, keys: {} },
  port: { in: 'network', named: true, keys: { to: 'number' } },
  service: { in: 'group', named: false, keys: { name: 'text', port: 'text' } },
  check: {
    in: 'service',
    named: false,
    keys: { type: /^(?:http|tcp|grpc|script)$/, path: 'text', port: 'text', interval: duration, timeout: duration },
  },
  task: {
    in: 'group',
    named: true,
    keys: { driver: 'text', shutdown_delay: duration, kill_signal: /^SIG[A-Z]+$/, kill_timeout: duration },
  },
  config: { in: 'task', named: false, keys: { image: 'text', ports: 'texts', init: 'boolean' } },
  resources: { in: 'task', named: false, keys: { cores: 'number', memory: 'number' } },
};

function holds(rule: Rule, value: unknown): boolean {
  if (rule instanceof RegExp) return typeof value === 'string' && rule.test(value);
  if (rule === 'texts') return Array.isArray(value) && value.every((one) => typeof one === 'string');
  return typeof value === (rule === 'text' ? 'string' : rule);
}

const wrongIn = (block: Block, around = ''): string[] => {
  const rules = known[block.type];
  if (rules?.in !== around) return [`${block.type} in ${around || 'the file'}`];
  if (rules.named !== (block.name !== undefined)) return [`the name of ${block.type}`];
  const wrong = Object.entries(block.values).filter(([key, value]) => {
    const rule = rules.keys[key];
    return rule === undefined || !holds(rule, value);
  });
  return [
    ...wrong.map(([key]) => `${block.type}.${key}`),
    ...block.blocks.flatMap((inner) => wrongIn(inner, block.type)),
  ];
};

const text = readFileSync(join(root, 'contrib/nomad/api.nomad.hcl'), 'utf8');
const all = (blocks: readonly Block[]): Block[] => blocks.flatMap((block) => [block, ...all(block.blocks)]);
const the = (type: string): Block['values'] => all(readHcl(text)).find((block) => block.type === type)?.values ?? {};
const secondsOf = (words: unknown): number => Number(/^(\d+)s$/.exec(String(words))?.[1]);

test('every key of the job is one of Nomad’s, and in its place', (t) => {
  t.deepEqual(
    readHcl(text).flatMap((block) => wrongIn(block)),
    [],
  );
});

test('a key that Nomad does not know, a wrong value, a block in the wrong place would be found', (t) => {
  const wrong = (from: string, to: string): string[] => {
    t.true(text.includes(from));
    return readHcl(text.replace(from, to)).flatMap((block) => wrongIn(block));
  };
  t.deepEqual(wrong('kill_timeout =', 'killing_time ='), ['task.killing_time']);
  t.deepEqual(wrong('interval = "2s"', 'interval = "often"'), ['check.interval']);
  t.deepEqual(wrong('network {', 'networks {'), ['networks in group']);
});

test('the job is taken out of service before it is signalled, and has longer to stop than a fleet takes', (t) => {
  t.is(the('task')['kill_signal'], 'SIGTERM');
  t.true(secondsOf(the('task')['shutdown_delay']) > secondsOf(the('check')['interval']));
  t.true(secondsOf(the('task')['kill_timeout']) > 30);
  t.is(the('service')['port'], all(readHcl(text)).find(({ type }) => type === 'port')?.name);
});
