import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { exposition } from '../../../supervisor/metrics/exposition.js';
import { type Measured, renderMetrics } from '../../../supervisor/metrics/render.js';
import { Tally } from '../../../supervisor/metrics/tally.js';
import type { Beat } from '../../../worker/protocol.js';
import { parsed } from '../../support/prometheus.js';
import { serving } from '../../support/story.js';

const beat = (more: Partial<Beat> = {}): Beat => ({
  requests: [
    { method: 'GET', status: '2xx', count: 8 },
    { method: 'POST', status: '5xx', route: '/a "b"\\', count: 2 },
  ],
  durations: [{ counts: [4, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 1], sumMs: 12_500 }],
  served: 10,
  failed: 0,
  heapShare: 0.1,
  inFlight: 3,
  connections: 5,
  lagMs: 20,
  utilization: 0.25,
  heap: 1000,
  rss: 2000,
  cpuMs: 1500,
  ...more,
});

function measuredOf(tally: Tally): Measured {
  const { fleet } = serving(2);
  tally.observe({ type: 'time-passed' }, fleet, fleet, [], 0);
  const snapshot = tally.snapshot(10_000);
  if (!snapshot) throw new Error('nothing was observed');
  return {
    tally: snapshot,
    incidents: { new: 1, known: 2, resolved: 3, returned: 4, forgotten: 5 },
    own: { name: 'api', version: '1.2.3', node: '20.0.0', since: 1000, cpuMs: 500, heap: 1, rss: 2, utilization: 0.5 },
    program: [],
  };
}

const two = (): Tally => {
  const tally = new Tally();
  tally.beat(1, 0, beat(), 9000);
  tally.beat(2, 1, beat({ lagMs: 5 }), 4000);
  tally.errors(7, false);
  tally.errors(1, true);
  tally.cut([
    { method: 'GET', path: '/', id: '1', answered: true },
    { method: 'GET', path: '/', id: '2', answered: false },
  ]);
  tally.handedOver(4);
  return tally;
};

test('what workers have told is added up, as Prometheus reads it', (t) => {
  const text = renderMetrics(measuredOf(two()));
  for (const line of [
    '# HELP cordon_requests_total Requests that are over, by method and class of status; none: the client was gone before a head went out.',
    '# TYPE cordon_requests_total counter',
    'cordon_requests_total{method="GET",status="2xx"} 16',
    'cordon_requests_total{method="POST",status="5xx",route="/a \\"b\\"\\\\"} 4',
    'cordon_request_duration_seconds_bucket{le="0.005"} 8',
    'cordon_request_duration_seconds_bucket{le="0.025"} 14',
    'cordon_request_duration_seconds_bucket{le="10"} 14',
    'cordon_request_duration_seconds_bucket{le="+Inf"} 16',
    'cordon_request_duration_seconds_sum 25',
    'cordon_request_duration_seconds_count 16',
    'cordon_requests_in_flight 6',
    'cordon_connections 10',
    'cordon_faults_total 7',
    'cordon_reported_errors_total 1',
    'cordon_requests_lost_total{reason="cut-answered"} 1',
    'cordon_requests_lost_total{reason="cut-broken"} 1',
    'cordon_requests_lost_total{reason="died"} 0',
    'cordon_handovers_total 4',
    'cordon_workers{phase="ready"} 2',
    'cordon_workers{phase="tainted"} 0',
    'cordon_workers_wanted 2',
    'cordon_degraded 0',
    'cordon_restarts_total{cause="fault"} 0',
    'cordon_incidents{state="returned"} 4',
    'cordon_incidents_forgotten_total 5',
    'cordon_worker_event_loop_lag_seconds{slot="0"} 0.02',
    'cordon_worker_silence_seconds{slot="1"} 6',
    'cordon_worker_cpu_seconds_total{slot="0"} 1.5',
    'cordon_info{name="api",version="1.2.3",node="20.0.0"} 1',
    'cordon_supervisor_cpu_seconds_total 0.5',
  ])
    t.true(text.includes(`${line}\n`), line);
});

test('every line is one that Prometheus can read, each series is told once, and counters end in _total', (t) => {
  const { series, types } = parsed(renderMetrics(measuredOf(two())));
  t.true(series.size > 60);
  for (const [name, type] of types) {
    t.regex(name, /^cordon_[a-z_]+$/);
    t.is(name.endsWith('_total'), type === 'counter', name);
  }
});

test('two workers that share a slot for a moment are one series', (t) => {
  const tally = two();
  tally.beat(3, 0, beat({ lagMs: 90 }), 9000);
  const { series } = parsed(renderMetrics(measuredOf(tally)));
  t.is(series.get('cordon_worker_event_loop_lag_seconds{slot="0"}'), 0.09);
  t.is(series.get('cordon_worker_resident_memory_bytes{slot="0"}'), 4000);
});

test('texts and numbers of any kind are written as the format wants them', (t) => {
  const samples = [
    { value: Infinity },
    { value: -Infinity, labels: { a: 'b\nc' } },
    { value: Number.NaN, labels: { b: 1 } },
    { value: 1e21, labels: { c: '' } },
  ];
  t.is(
    exposition([{ name: 'x', type: 'gauge', help: 'a\\b\nc', samples }]),
    '# HELP x a\\\\b\\nc\n# TYPE x gauge\nx +Inf\nx{a="b\\nc"} -Inf\nx{b="1"} NaN\nx{c=""} 1e+21\n',
  );
});

test('sixteen workers with twenty routes each are rendered in less than 5 ms', (t) => {
  const tally = new Tally();
  const routes = Array.from({ length: 20 }, (_, index) => `/route/${index}`);
  for (let id = 0; id < 16; id++)
    tally.beat(
      id,
      id,
      beat({
        requests: routes.map((route) => ({ method: 'GET', status: '2xx', route, count: 1 })),
        durations: routes.map((route) => ({ route, counts: Array.from({ length: 12 }, () => 1), sumMs: 1 })),
      }),
      0,
    );
  const times = Array.from({ length: 50 }, () => {
    const { user, system } = process.cpuUsage();
    renderMetrics(measuredOf(tally));
    const after = process.cpuUsage({ user, system });
    return (after.user + after.system) / 1000;
  }).toSorted((one, other) => one - other);
  t.log(`median ${times[25]} ms of processor time`);
  t.true((times[25] ?? Infinity) < 5);
});

// The dashboard

const contrib = fileURLToPath(new URL('../../../../contrib/', import.meta.url));
interface Panel {
  readonly title?: string;
  readonly targets?: readonly { readonly expr: string }[];
  readonly panels?: readonly Panel[];
}

test('every metric that the Grafana dashboard names exists, and none is asked for in vain', (t) => {
  const file = readdirSync(contrib).find((name) => name.startsWith('grafana')) ?? '';
  const dashboard = JSON.parse(readFileSync(`${contrib}${file}`, 'utf8')) as { panels: readonly Panel[] };
  const flat = (panels: readonly Panel[]): Panel[] => panels.flatMap((panel) => [panel, ...flat(panel.panels ?? [])]);
  const asked = flat(dashboard.panels).flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  t.true(asked.length >= 10);
  const { series } = parsed(renderMetrics(measuredOf(two())));
  const there = new Set([...series.keys()].map((key) => key.replace(/\{.*/, '')));
  for (const expr of asked) {
    const names = expr.match(/\bcordon_\w+/g) ?? [];
    t.true(names.length > 0, expr);
    for (const name of names) t.true(there.has(name), `${name} in ${expr}`);
    for (const [, label = ''] of expr.matchAll(/by \(([^)]*)\)/g))
      for (const one of label
        .split(',')
        .map((word) => word.trim())
        .filter((word) => word !== 'le'))
        t.true(one === 'instance' || [...series.keys()].some((key) => key.includes(`${one}="`)), `${one} in ${expr}`);
  }
});

test('every metric is in docs/metrics.md, and no other', (t) => {
  const { types } = parsed(renderMetrics(measuredOf(two())));
  const text = readFileSync(fileURLToPath(new URL('../../../../docs/metrics.md', import.meta.url)), 'utf8');
  const named = new Set([...text.matchAll(/^\| `(cordon_\w+)/gm)].map(([, name = '']) => name));
  t.deepEqual([...named].toSorted(byName), [...types.keys()].toSorted(byName));
});

const byName = (one: string, other: string): number => one.localeCompare(other);
