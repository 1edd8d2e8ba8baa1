// A fleet as text: the head and the table of `status`, shared by `top`.
import { styleText } from 'node:util';
import type { StatusReply, WorkerReply } from '../supervisor/control/protocol.js';
import { type Column, table } from './table.js';
import { age, number, percent, plural, size } from './words.js';

const colours: Readonly<Record<string, 'green' | 'yellow' | 'red' | 'cyan'>> = {
  ready: 'green',
  serving: 'green',
  booting: 'cyan',
  starting: 'cyan',
  reloading: 'cyan',
  tainted: 'yellow',
  draining: 'yellow',
  stopping: 'yellow',
  degraded: 'red',
  killing: 'red',
};

const tint = (word: string): string => styleText(colours[word] ?? 'green', word, { stream: process.stdout });

export function head(status: StatusReply): string {
  const { name, state, serving, size: wanted, generation, uptimeMs, pid, errors } = status;
  const open = errors.incidents - errors.resolved;
  const addresses = [...new Set(status.workers.flatMap((worker) => worker.addresses))].slice(0, 3).join(' ');
  const told = open === 0 ? 'no errors' : plural(open, 'incident');
  return [
    `${styleText('bold', name, { stream: process.stdout })} ${tint(state)}`,
    `${serving}/${wanted} serve`,
    `generation ${generation}`,
    `up ${age(uptimeMs)}`,
    told,
    `pid ${pid}`,
    addresses,
  ]
    .filter((part) => part !== '')
    .join(' · ');
}

const restarts = ({ restarts: count, lastEnd }: WorkerReply): string =>
  count === 0 ? '0' : `${count} (${lastEnd ?? 'unknown'})`;

export const workerColumns: readonly Column<WorkerReply>[] = [
  { title: 'ID', cell: ({ id }) => String(id), align: 'right' },
  { title: 'SLOT', cell: ({ slot }) => String(slot), align: 'right' },
  { title: 'GEN', cell: ({ generation }) => String(generation), align: 'right', spare: 2 },
  { title: 'PID', cell: ({ pid }) => (pid === undefined ? '-' : String(pid)), align: 'right' },
  { title: 'PHASE', cell: ({ phase }) => tint(phase) },
  { title: 'UP', cell: ({ uptimeMs }) => age(uptimeMs), align: 'right' },
  { title: 'REQS', cell: ({ requests }) => number(requests), align: 'right' },
  { title: 'OPEN', cell: ({ inFlight }) => number(inFlight), align: 'right' },
  { title: 'ERRS', cell: ({ errors }) => number(errors), align: 'right' },
  { title: 'CPU', cell: ({ cpu }) => percent(cpu), align: 'right' },
  { title: 'MEM', cell: ({ rssBytes }) => size(rssBytes), align: 'right' },
  { title: 'ELU', cell: ({ utilisation }) => percent(utilisation), align: 'right', spare: 1 },
  { title: 'RESTARTS', cell: restarts, cut: true },
];

export const fleetLines = (status: StatusReply, width: number | undefined): string[] => [
  head(status),
  ...(status.workers.length === 0 ? ['no worker runs'] : table(status.workers, workerColumns, width)),
];

/** 80 columns where nobody says how many there are. */
export const widthOf = (stream: NodeJS.WriteStream): number | undefined =>
  stream.isTTY ? (stream.columns ?? 80) : undefined;

/** What `status` exits with: 0 healthy, 1 not. */
export const isHealthy = ({ state, serving }: Pick<StatusReply, 'state' | 'serving'>): boolean =>
  state !== 'degraded' && state !== 'stopping' && serving > 0;
