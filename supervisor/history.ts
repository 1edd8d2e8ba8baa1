// How each slot's workers have ended, for `status`: how often one was started again, and why the last one went.
import type { Observer } from './supervisor.js';

export interface SlotHistory {
  readonly restarts: number;
  readonly lastEnd: string | undefined;
}

export class History {
  readonly #slots = new Map<number, { starts: number; lastEnd: string | undefined }>();

  readonly observe: Observer = (event, before, _after, effects) => {
    for (const effect of effects) if (effect.type === 'spawn') this.#slot(effect.slot).starts++;
    if (event.type !== 'exited') return;
    const worker = before.workers.find(({ id }) => id === event.id);
    if (!worker) return;
    const how = event.signal ?? (event.code === null ? 'it could not be started' : `exit code ${event.code}`);
    const because =
      'because' in worker ? `${worker.because}, ` : worker.phase === 'booting' ? 'died at boot, ' : 'died, ';
    this.#slot(worker.slot).lastEnd = `${because}${how}`;
  };

  of(slot: number): SlotHistory {
    const { starts, lastEnd } = this.#slot(slot);
    return { restarts: Math.max(0, starts - 1), lastEnd };
  }

  #slot(slot: number): { starts: number; lastEnd: string | undefined } {
    const known = this.#slots.get(slot) ?? { starts: 0, lastEnd: undefined };
    this.#slots.set(slot, known);
    return known;
  }
}
