// How the fleet is, as data for whoever asks: a pure view of the machine's state and of what is known of each process.
import type { Beat, Cause } from '../worker/protocol.js';
import { type Fleet, isServing, type Worker } from './state.js';

export interface WorkerStatus {
  readonly id: number;
  readonly slot: number;
  readonly generation: number;
  /** Undefined where the process could not be started. */
  readonly pid: number | undefined;
  readonly phase: Worker['phase'];
  /** Why it is on its way out, or will be. */
  readonly because: Cause | undefined;
  /** When its process was started, in milliseconds since 1970. */
  readonly since: number;
  /** What it listens on: `127.0.0.1:3000`, `*:3000`, `/run/api.sock`. */
  readonly addresses: readonly string[];
  /** What it last said of itself; undefined in its first second. */
  readonly beat: Beat | undefined;
}

export interface SlotStatus {
  readonly slot: number;
  /** How often a worker was started here after the first. */
  readonly restarts: number;
  /** Why the last worker that left this slot did. */
  readonly lastEnd: string | undefined;
}

export interface FleetStatus {
  readonly name: string;
  readonly script: string;
  readonly pid: number;
  /** Of cordon. */
  readonly version: string;
  readonly node: string;
  /** When the supervisor started, in milliseconds since 1970. */
  readonly since: number;
  /** The first that is true. */
  readonly state: 'stopping' | 'reloading' | 'degraded' | 'starting' | 'serving';
  readonly generation: number;
  /** Workers that are wanted in service. */
  readonly size: number;
  /** Booted workers beside those that are wanted. */
  readonly standby: number;
  /** Workers that take new connections. */
  readonly serving: number;
  readonly slots: readonly SlotStatus[];
  readonly workers: readonly WorkerStatus[];
}

/** What the machine does not know of a worker. */
export interface Particulars {
  readonly pid: number | undefined;
  readonly since: number;
  readonly addresses: readonly string[];
  readonly beat: Beat | undefined;
}

export function workerStatus(worker: Worker, known: Particulars | undefined): WorkerStatus {
  const { id, slot, generation, phase } = worker;
  const because = 'because' in worker ? worker.because : undefined;
  const { pid, since = Date.now(), addresses = [], beat } = known ?? {};
  return { id, slot, generation, phase, because, pid, since, addresses, beat };
}

export function stateOf(fleet: Fleet): FleetStatus['state'] {
  if (fleet.goal !== 'serve') return 'stopping';
  if (fleet.reload) return 'reloading';
  if (fleet.degraded) return 'degraded';
  return fleet.workers.some(isServing) && fleet.slots.every(({ used }) => used) ? 'serving' : 'starting';
}
