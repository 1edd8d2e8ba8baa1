// What the programs of all workers measure themselves, as one: summed, or as the `aggregator` of each metric says. What a worker
// has counted stays counted when it is gone.
import type { ProgramMetric } from '../../worker/protocol.js';
import type { Metric, Sample } from './exposition.js';

/** Of workers that are gone. */
const MAX_KEPT = 10_000;
/** Ours alone. */
const RESERVED = /^cordon_/;

type Value = ProgramMetric['values'][number];
type Combine = (values: readonly number[]) => number;

const sum: Combine = (values) => values.reduce((total, value) => total + value, 0);
const combiners: Readonly<Record<string, Combine>> = {
  sum,
  first: ([first = Number.NaN]) => first,
  min: (values) => Math.min(...values),
  max: (values) => Math.max(...values),
  average: (values) => sum(values) / values.length,
};

/** One for each name, in the order in which they were met. */
export function merge(programs: Iterable<readonly ProgramMetric[]>): Metric[] {
  const families = new Map<string, { metric: ProgramMetric; values: Map<string, { of: Value; all: number[] }> }>();
  for (const program of programs)
    for (const metric of program) {
      if (metric.aggregator === 'omit' || RESERVED.test(metric.name) || !isName(metric.name)) continue;
      const family = families.get(metric.name) ?? { metric, values: new Map() };
      families.set(metric.name, family);
      for (const of of metric.values) {
        const key = keyOf(of);
        const known = family.values.get(key);
        if (known) known.all.push(Number(of.value));
        else family.values.set(key, { of, all: [Number(of.value)] });
      }
    }
  return [...families.values()].map(({ metric, values }) => {
    const combine = combiners[metric.aggregator] ?? sum;
    return {
      name: metric.name,
      help: metric.help,
      type: typeOf(metric.type),
      samples: [...values.values()].map(({ of, all }) => sampleOf(metric.name, of, combine(all))),
    };
  });
}

/** What of a worker that is gone must not be forgotten, added to that of those before it. */
export function keep(before: readonly ProgramMetric[], gone: readonly ProgramMetric[]): readonly ProgramMetric[] {
  const kept = new Map(before.map((metric) => [metric.name, metric]));
  let room = MAX_KEPT - before.reduce((count, { values }) => count + values.length, 0);
  for (const metric of gone) {
    if (metric.aggregator !== 'sum') continue;
    const values = new Map(kept.get(metric.name)?.values.map((value) => [keyOf(value), value]));
    for (const value of metric.values.filter((one) => isCounted(metric, one))) {
      const key = keyOf(value);
      const known = values.get(key);
      if (!known && --room < 0) continue;
      values.set(key, { ...value, value: Number(known?.value ?? 0) + Number(value.value) });
    }
    if (values.size > 0) kept.set(metric.name, { ...metric, values: [...values.values()] });
  }
  return [...kept.values()];
}

const isCounted = ({ type, name }: ProgramMetric, { metricName = name }: Value): boolean =>
  type === 'counter' || type === 'histogram' || (type === 'summary' && metricName !== name);

const keyOf = ({ metricName = '', labels }: Value): string =>
  `${metricName}\n${Object.keys(labels)
    .toSorted()
    .map((label) => `${label}=${JSON.stringify(String(labels[label]))}`)
    .join('\n')}`;

function sampleOf(name: string, { metricName = name, labels }: Value, value: number): Sample {
  const own = Object.fromEntries(Object.entries(labels).filter(([label]) => /^[A-Za-z_]\w*$/.test(label)));
  return { value, labels: own, ...(metricName.startsWith(`${name}_`) && { suffix: metricName.slice(name.length) }) };
}

const isName = (name: string): boolean => /^[A-Za-z_:][\w:]*$/.test(name);
const typeOf = (type: string): Metric['type'] =>
  type === 'counter' || type === 'gauge' || type === 'histogram' || type === 'summary' ? type : 'untyped';
