// The metrics of a fleet, pure: what has been counted, as Prometheus text. docs/metrics.md says what each is good for.
import { DURATION_BOUNDS_MS, type DurationCount } from '../../worker/protocol.js';
import type { BookFigures } from '../incidents/incidents.js';
import { exposition, type Metric, type Sample } from './exposition.js';
import type { Known, Snapshot } from './tally.js';

/** How the supervisor itself does. */
export interface Own {
  readonly name: string;
  readonly version: string;
  readonly node: string;
  /** When it started, in milliseconds since 1970. */
  readonly since: number;
  readonly cpuMs: number;
  readonly heap: number;
  readonly rss: number;
  readonly utilization: number;
}

export interface Measured {
  readonly tally: Snapshot;
  readonly incidents: BookFigures;
  readonly own: Own;
  /** The programs' own metrics, merged. */
  readonly program: readonly Metric[];
}

export const renderMetrics = (measured: Measured): string =>
  exposition([
    ...fleet(measured),
    ...requests(measured),
    ...errors(measured),
    ...workers(measured),
    ...own(measured),
    ...measured.program,
  ]);

type Part = (measured: Measured) => Metric[];

const metric =
  (type: 'counter' | 'gauge') =>
  (name: string, help: string, samples: readonly Sample[] | number): Metric => ({
    name: `cordon_${name}`,
    type,
    help,
    samples: typeof samples === 'number' ? [{ value: samples }] : samples,
  });
const counter = metric('counter');
const gauge = metric('gauge');
const by = (label: string, counts: Iterable<readonly [string | number, number]>): Sample[] =>
  [...counts].map(([key, value]) => ({ labels: { [label]: key }, value }));

const PHASES = ['booting', 'ready', 'tainted', 'draining', 'killing'] as const;

const fleet: Part = ({
  tally: {
    fleet: { workers: all, slots, degraded, generation },
    restarts,
  },
}) => [
  gauge(
    'workers',
    'Workers by phase.',
    by(
      'phase',
      PHASES.map((phase) => [phase, all.filter((worker) => worker.phase === phase).length]),
    ),
  ),
  gauge('workers_wanted', 'Workers that are wanted.', slots.length),
  gauge('degraded', '1 while more fails than should.', Number(degraded)),
  gauge('generation', 'The release that is wanted.', generation),
  counter('restarts_total', 'Workers that were started in place of another, by why that went.', by('cause', restarts)),
];

const requests: Part = ({ tally: { requests: all, durations, live, lost, handOvers } }) => [
  counter(
    'requests_total',
    'Requests that are over, by method and class of status; none: the client was gone before a head went out.',
    all.map(({ method, status, route, count }) => ({
      labels: { method, status, ...(route !== undefined && { route }) },
      value: count,
    })),
  ),
  {
    name: 'cordon_request_duration_seconds',
    type: 'histogram',
    help: 'From the head of a request until its answer was over.',
    samples: (durations.length > 0 ? durations : [NONE]).flatMap(histogram),
  },
  gauge(
    'requests_in_flight',
    'Requests that are open.',
    total(live, ({ beat }) => beat.inFlight),
  ),
  gauge(
    'connections',
    'Connections that are open.',
    total(live, ({ beat }) => beat.connections),
  ),
  counter(
    'requests_lost_total',
    'Requests that were cut by the kill timer, answered 503 or broken off, or were open in a worker that died.',
    by('reason', lost),
  ),
  counter('handovers_total', 'Idle connections that were handed over to another worker.', handOvers),
];

const NONE: DurationCount = { counts: [], sumMs: 0 };

function histogram({ route, counts, sumMs }: DurationCount): Sample[] {
  const labels = route === undefined ? {} : { route };
  let count = 0;
  const buckets = [...DURATION_BOUNDS_MS, Infinity].map((bound, index): Sample => {
    count += counts[index] ?? 0;
    return { suffix: '_bucket', labels: { ...labels, le: bound === Infinity ? '+Inf' : bound / 1000 }, value: count };
  });
  return [...buckets, { suffix: '_sum', labels, value: sumMs / 1000 }, { suffix: '_count', labels, value: count }];
}

const errors: Part = ({ tally: { faults, reported }, incidents: { forgotten, ...states } }) => [
  counter('faults_total', 'Errors that nobody caught, contained.', faults),
  counter('reported_errors_total', 'Errors that the program has handled itself, and reported.', reported),
  gauge('incidents', 'Incidents in the book of errors, by state.', by('state', Object.entries(states))),
  counter('incidents_forgotten_total', 'Incidents that others have pushed out of the book.', forgotten),
];

const workers: Part = ({ tally: { live, cpuMs, now } }) => [
  gauge(
    'worker_event_loop_lag_seconds',
    'By how much the event loop was late when it last told.',
    bySlot(live, Math.max, ({ beat }) => beat.lagMs / 1000),
  ),
  gauge(
    'worker_event_loop_utilization_ratio',
    "The event loop's share of time at work, lately.",
    bySlot(live, Math.max, ({ beat }) => beat.utilization),
  ),
  gauge(
    'worker_heap_used_bytes',
    'JavaScript heap in use.',
    bySlot(live, sum, ({ beat }) => beat.heap),
  ),
  gauge(
    'worker_resident_memory_bytes',
    'Resident memory.',
    bySlot(live, sum, ({ beat }) => beat.rss),
  ),
  counter(
    'worker_cpu_seconds_total',
    'Processor time of all workers of a slot.',
    by(
      'slot',
      [...cpuMs].map(([slot, ms]) => [slot, ms / 1000]),
    ),
  ),
  gauge(
    'worker_silence_seconds',
    'Since a worker last told how it is: more than a few mean that it is stuck.',
    bySlot(live, Math.max, ({ at }) => Math.max(0, now - at) / 1000),
  ),
];

const own: Part = ({ own: { name, version, node, since, cpuMs, heap, rss, utilization } }) => [
  gauge('info', 'Always 1.', [{ labels: { name, version, node }, value: 1 }]),
  gauge('start_time_seconds', 'When the supervisor started, since 1970.', since / 1000),
  counter('supervisor_cpu_seconds_total', "The supervisor's own processor time.", cpuMs / 1000),
  gauge('supervisor_heap_used_bytes', "The supervisor's own heap in use.", heap),
  gauge('supervisor_resident_memory_bytes', "The supervisor's own resident memory.", rss),
  gauge(
    'supervisor_event_loop_utilization_ratio',
    "The supervisor's own event loop's share of time at work, since the last scrape.",
    utilization,
  ),
];

const sum = (one: number, other: number): number => one + other;
const total = (live: readonly Known[], of: (known: Known) => number): number => live.map(of).reduce(sum, 0);

/** While a successor takes over, two workers share a slot. */
function bySlot(
  live: readonly Known[],
  combine: (one: number, other: number) => number,
  of: (known: Known) => number,
): Sample[] {
  const slots = new Map<number, number>();
  for (const known of live) {
    const before = slots.get(known.slot);
    slots.set(known.slot, before === undefined ? of(known) : combine(before, of(known)));
  }
  return by('slot', slots);
}
