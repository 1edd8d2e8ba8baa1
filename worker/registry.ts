// What the program measures itself, with prom-client: read when somebody asks for metrics. cordon loads no prom-client of its own;
// it looks whether the program has, and speaks to that one.
import { createRequire } from 'node:module';
import type { ProgramMetric } from './protocol.js';

/** A registry of prom-client's. */
export interface Registry {
  getMetricsAsJSON(): Promise<readonly unknown[]> | readonly unknown[];
}

/** More than a Prometheus likes to be told by one process. */
const MAX_VALUES = 10_000;
const MAX_TEXT = 1000;

/** Those that the program has named, besides prom-client's own. */
const named = new Set<Registry>();

export const addRegistry = (registry: Registry): void => void named.add(registry);

/** Never fails: a registry that does is left out. */
export async function measure(): Promise<ProgramMetric[]> {
  const metrics = new Map<string, ProgramMetric>();
  let room = MAX_VALUES;
  for (const registry of new Set([...defaults(), ...named]))
    for (const metric of await read(registry)) {
      if (metrics.has(metric.name) || metric.values.length > room) continue;
      room -= metric.values.length;
      metrics.set(metric.name, metric);
    }
  return [...metrics.values()];
}

/** Of every copy of prom-client that is loaded. It is CommonJS, so a module's `import` of it is in this cache too. */
function defaults(): Registry[] {
  const { cache } = createRequire(import.meta.url);
  return Object.keys(cache)
    .filter((file) => /[\\/](?:prom-client|@prometheus-io[\\/]client)[\\/]index\.c?js$/.test(file))
    .map((file) => (cache[file]?.exports as { register?: unknown } | undefined)?.register)
    .filter(isRegistry);
}

const isRegistry = (value: unknown): value is Registry =>
  typeof value === 'object' && value !== null && typeof Reflect.get(value, 'getMetricsAsJSON') === 'function';

async function read(registry: Registry): Promise<ProgramMetric[]> {
  try {
    return (await registry.getMetricsAsJSON()).flatMap(metricOf);
  } catch {
    return [];
  }
}

interface Given {
  readonly name?: unknown;
  readonly help?: unknown;
  readonly type?: unknown;
  readonly aggregator?: unknown;
  readonly values?: unknown;
}

function metricOf(given: unknown): ProgramMetric[] {
  const { name, help = '', type = 'untyped', aggregator = 'sum', values } = given as Given;
  if (typeof name !== 'string' || !Array.isArray(values)) return [];
  return [
    {
      name,
      help: String(help).slice(0, MAX_TEXT),
      type: String(type),
      aggregator: String(aggregator),
      values: (values as ProgramMetric['values']).map(({ value, labels, metricName }) => ({
        value: Number.isFinite(value) ? value : String(value),
        labels: labels ?? {},
        ...(metricName !== undefined && { metricName }),
      })),
    },
  ];
}
