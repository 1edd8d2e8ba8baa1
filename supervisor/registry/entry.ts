// What a registry holds of this instance. Pure: the fleet in, JSON out.
import { type Stand, serving } from '../standing.js';
import type { Fleet } from '../state.js';

/** Fields are added, never changed or taken away. */
export interface Entry {
  readonly version: 1;
  /** Of the service: all its instances have it. */
  readonly name: string;
  /** Where clients reach it, and what tells instances apart. */
  readonly address: string;
  /** The configured weight by the share of its workers that serve; at least 1. */
  readonly weight: number;
  readonly health: 'ok' | 'degraded';
  readonly ready: number;
  readonly workers: number;
  readonly generation: number;
  /** The machine's own name. */
  readonly host: string;
}

export interface Instance {
  readonly name: string;
  readonly address: string;
  readonly weight: number;
  readonly host: string;
}

/** Undefined where it is to get no new request: whoever only lists the keys must not find it. */
export function entryOf(fleet: Fleet, stand: Stand, { name, address, weight, host }: Instance): string | undefined {
  if (stand !== 'up') return undefined;
  // A reload has more of them than are wanted, for a moment.
  const ready = Math.min(serving(fleet), fleet.size);
  const entry: Entry = {
    version: 1,
    name,
    address,
    weight: Math.max(1, Math.floor((weight * ready) / fleet.size)),
    health: fleet.degraded ? 'degraded' : 'ok',
    ready,
    workers: fleet.size,
    generation: fleet.generation,
    host,
  };
  return JSON.stringify(entry);
}
