// Held against prom-client itself, which merges the metrics of a cluster's workers in the same way.
import test from 'ava';
import client from 'prom-client';
import { exposition } from '../../../supervisor/metrics/exposition.js';
import { keep, merge } from '../../../supervisor/metrics/program.js';
import type { ProgramMetric } from '../../../worker/protocol.js';
import { addRegistry, measure } from '../../../worker/registry.js';
import { parsed } from '../../support/prometheus.js';

/** What a worker with this number has measured. */
function registryOf(worker: number): client.Registry {
  const registry = new client.Registry();
  const registers = [registry];
  new client.Counter({ name: 'c_total', help: 'c', labelNames: ['kind'], registers }).inc(
    { kind: `"${worker % 2}"\\` },
    worker,
  );
  for (const aggregator of ['sum', 'min', 'max', 'average', 'first', 'omit'] as const)
    new client.Gauge({ name: `g_${aggregator}`, help: 'g', aggregator, registers }).set(worker * 10);
  const histogram = new client.Histogram({ name: 'h', help: 'h', buckets: [1, 5], labelNames: ['a'], registers });
  histogram.observe({ a: 'x' }, worker);
  new client.Summary({ name: 's', help: 's', percentiles: [0.5], registers }).observe(worker);
  return registry;
}

const read = async (registry: client.Registry): Promise<ProgramMetric[]> =>
  JSON.parse(JSON.stringify(await registry.getMetricsAsJSON())) as ProgramMetric[];

test('metrics of several workers are merged as prom-client merges them', async (t) => {
  const all = await Promise.all([1, 2, 3].map((worker) => read(registryOf(worker))));
  const theirs = await client.AggregatorRegistry.aggregate(all).metrics();
  t.deepEqual(
    Object.fromEntries(parsed(exposition(merge(all))).series),
    Object.fromEntries(parsed(`${theirs.trim().replace(/\n\n/g, '\n')}\n`).series),
  );
});

test('what was counted stays counted when its worker is gone; how it was is forgotten', async (t) => {
  const [one, two] = await Promise.all([1, 2].map((worker) => read(registryOf(worker))));
  const kept = keep(keep([], one ?? []), two ?? []);
  const { series } = parsed(exposition(merge([kept, one ?? []])));
  t.is(series.get('c_total{kind="\\"1\\"\\\\"}'), 2);
  t.is(series.get('c_total{kind="\\"0\\"\\\\"}'), 2);
  t.is(series.get('h_sum{a="x"}'), 4);
  t.is(series.get('h_bucket{le="1",a="x"}'), 2);
  t.is(series.get('s_count'), 3);
  t.is(series.get('g_sum'), 10);
});

const values = (worker: number): ProgramMetric['values'] =>
  Array.from({ length: 9000 }, (_, index) => ({ value: 1, labels: { user: `${worker} ${index}` } }));

test('what is kept of workers that are gone has a bound', (t) => {
  const metric = { name: 'c', help: '', type: 'counter', aggregator: 'sum' };
  let kept: readonly ProgramMetric[] = [];
  for (let worker = 0; worker < 5; worker++) kept = keep(kept, [{ ...metric, values: values(worker) }]);
  t.true(kept.reduce((count, one) => count + one.values.length, 0) <= 10_000);
});

test('a program cannot speak for cordon, or break the format', (t) => {
  const metric = {
    help: '',
    type: 'gauge',
    aggregator: 'sum',
    values: [{ value: 1, labels: { 'no label': 'x', ok: 'y' } }],
  };
  const text = exposition(
    merge([
      [
        { ...metric, name: 'cordon_workers' },
        { ...metric, name: 'a b' },
        { ...metric, name: 'mine', type: 'odd' },
      ],
    ]),
  );
  t.is(text, '# HELP mine \n# TYPE mine untyped\nmine{ok="y"} 1\n');
});

test('a worker tells of prom-client\u2019s own registry and of those that the program names, in bounds, whatever they do', async (t) => {
  t.deepEqual(await measure().then((metrics) => metrics.map(({ name }) => name)), []);
  const counter = new client.Counter({ name: 'default_total', help: 'd' });
  counter.inc();
  addRegistry(registryOf(1));
  addRegistry({ getMetricsAsJSON: () => Promise.reject(new Error('no')) });
  addRegistry({
    getMetricsAsJSON: () => [{ name: 'odd', values: [{ value: Number.NaN }, { value: Infinity }] }, { name: 1 }],
  });
  addRegistry({
    getMetricsAsJSON: () => [
      { name: 'huge', values: Array.from({ length: 20_000 }, () => ({ value: 1, labels: {} })) },
    ],
  });
  const metrics = await measure();
  const names = metrics.map(({ name }) => name);
  t.true(names.includes('default_total'));
  t.true(names.includes('c_total'));
  t.false(names.includes('huge'));
  t.deepEqual(metrics.find(({ name }) => name === 'odd')?.values, [
    { value: 'NaN', labels: {} },
    { value: 'Infinity', labels: {} },
  ]);
});
