// What systemd is told, and when. Pure: the fleet as it was and as it is, in; the lines of sd_notify(3) out.
import { type Fleet, isServing } from '../state.js';

/** One message: `READY=1`, `STATUS=4/4 ready, generation 1`. */
export type Words = Readonly<Record<string, string>>;

export interface Told {
  /** systemd counts the service as started. */
  readonly ready: boolean;
  readonly reloading: boolean;
  readonly stopping: boolean;
  readonly status: string;
  /** Workers that served, and workers that were there, at the last word: more of the one or less of the other is progress. */
  readonly serving: number;
  readonly present: number;
}

export const nothingTold: Told = {
  ready: false,
  reloading: false,
  stopping: false,
  status: '',
  serving: 0,
  present: 0,
};

/** What the fleet's state does not say. */
export interface Circumstances {
  /** Of like errors, in the book. */
  readonly incidents: number;
  readonly reloading: boolean;
  /** In this process. Default: 1. */
  readonly apps?: number;
  /** It will stop in a moment, and serves on until then. */
  readonly leaving: boolean;
  /** The operator wants no new requests here. */
  readonly maintenance: boolean;
  /** So many workers that serve are enough to call the service started. */
  readonly quorum: number;
  /** Everything that systemd has handed over has somebody who serves it. */
  readonly served: boolean;
  /** How long a boot, and how long a stop may take: with each step of progress systemd is asked for as much again. */
  readonly bootMs: number;
  readonly stopMs: number;
  /** CLOCK_MONOTONIC. */
  readonly monotonicUsec: bigint;
}

export interface Speech {
  readonly told: Told;
  /** In this order. None where there is nothing new. */
  readonly words: readonly Words[];
}

export function speak(told: Told, fleet: Fleet, now: Circumstances): Speech {
  const serving = fleet.workers.filter(isServing).length;
  const present = fleet.workers.length;
  const stopping = now.leaving || fleet.goal !== 'serve';
  const ready = told.ready || (!stopping && serving >= now.quorum && now.served);
  const reloading = ready && !stopping && now.reloading;
  const status = statusOf(fleet, serving, present, now);
  const words: Words[] = [];

  if (stopping && !told.stopping) words.push({ STOPPING: '1', ...extended(now.stopMs) });
  else if (stopping && present < told.present) words.push(extended(now.stopMs));
  else if (!stopping && !ready && (serving > told.serving || told.status === '')) words.push(extended(now.bootMs));
  if (reloading && !told.reloading) words.push({ RELOADING: '1', MONOTONIC_USEC: String(now.monotonicUsec) });
  if (!stopping && ready && !reloading && (!told.ready || told.reloading)) words.push({ READY: '1' });
  if (status !== told.status) {
    const last = words.pop();
    words.push({ ...last, STATUS: status });
  }
  return { told: { ready, reloading, stopping, status, serving, present }, words };
}

const extended = (ms: number): Words => ({ EXTEND_TIMEOUT_USEC: String(Math.ceil(ms * 1000)) });

function statusOf(fleet: Fleet, serving: number, present: number, now: Circumstances): string {
  if (fleet.goal !== 'serve') return present === 0 ? 'stopped' : `stopping: ${counted(present, 'worker')} left`;
  // A reload has more than are wanted, for a moment.
  const parts = [
    `${Math.min(serving, fleet.size)}/${fleet.size} ready`,
    now.apps === undefined || now.apps === 1 ? `generation ${fleet.generation}` : counted(now.apps, 'app'),
  ];
  if (now.incidents > 0) parts.push(counted(now.incidents, 'incident'));
  if (fleet.degraded) parts.push('degraded: workers fail again and again');
  if (now.reloading) parts.push('reloading');
  if (now.maintenance) parts.push('maintenance');
  if (now.leaving) parts.push('stopping soon');
  if (serving >= now.quorum && !now.served) parts.push('waiting for a worker that serves every socket of the unit');
  return parts.join(', ');
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
