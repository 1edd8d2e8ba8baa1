// How this machine stands towards those who send it requests: load balancers, orchestrators, registries, systemd. They ask in many
// ways, and all get the same answer.
import type { Config } from '../config/config.js';
import { type Fleet, isServing } from './state.js';

/**
 * starting: too few workers serve, since the start · up · down: it was up, and too few workers serve · maintenance: the operator
 * wants no new requests here · leaving: it stops, or will in a moment.
 */
export type Stand = 'starting' | 'up' | 'down' | 'maintenance' | 'leaving';

export interface Circumstances {
  /** The quorum was reached once. */
  readonly started: boolean;
  readonly maintenance: boolean;
  /** A stop was asked for, and waits for load balancers to notice. */
  readonly leaving: boolean;
}

export const serving = (fleet: Fleet): number => fleet.workers.filter(isServing).length;

/** How many workers must serve before the fleet counts as started. */
export function quorumOf(quorum: Config['ready']['quorum'], size: number): number {
  if (quorum === 'all') return size;
  const wanted = typeof quorum === 'number' ? quorum : Math.ceil((size * Number.parseInt(quorum, 10)) / 100);
  return Math.max(1, Math.min(size, wanted));
}

/** A fleet of which all are wanted at the start is not taken out of service for one that restarts: from then on one is enough. */
function needed(quorum: Config['ready']['quorum'], size: number, started: boolean): number {
  return quorum === 'all' && started ? 1 : quorumOf(quorum, size);
}

export function standOf(
  fleet: Fleet,
  quorum: Config['ready']['quorum'],
  { started, maintenance, leaving }: Circumstances,
): Stand {
  if (leaving || fleet.goal !== 'serve') return 'leaving';
  if (maintenance) return 'maintenance';
  if (serving(fleet) >= needed(quorum, fleet.size, started)) return 'up';
  return started ? 'down' : 'starting';
}

/** Remembers what the fleet does not: whether it was up before, and what the operator wants of the machine. */
export class Standing {
  readonly #fleet: () => Fleet;
  readonly #quorum: () => Config['ready']['quorum'];
  readonly #leaving: () => boolean;
  #started = false;
  maintenance = false;

  constructor(fleet: () => Fleet, quorum: () => Config['ready']['quorum'], leaving: () => boolean) {
    this.#fleet = fleet;
    this.#quorum = quorum;
    this.#leaving = leaving;
  }

  /** After every turn. */
  observe(): void {
    if (this.#started) return;
    const fleet = this.#fleet();
    this.#started = fleet.goal === 'serve' && serving(fleet) >= quorumOf(this.#quorum(), fleet.size);
  }

  get stand(): Stand {
    const { maintenance } = this;
    return standOf(this.#fleet(), this.#quorum(), { started: this.#started, maintenance, leaving: this.#leaving() });
  }
}
