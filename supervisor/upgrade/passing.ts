// What goes to the successor: what has been counted, and connections. A copy of each stays here until the successor has said that it
// has it.
import type { ChildProcess } from 'node:child_process';
import type { Moved } from '../../worker/protocol.js';
import type { Legacy } from '../metrics/legacy.js';
import { heard, type ToSuccessor } from './protocol.js';

interface Handle {
  close(): void;
}

interface Away {
  readonly app: string;
  readonly moved: Moved;
  readonly handle: Handle;
}

interface Giver {
  /** The successor takes no more of this app, or of any, or is gone. May be said more than once. */
  readonly keep: (app?: string) => void;
  /** It has not taken this one, which has not been read from. */
  readonly back: (app: string, moved: Moved, handle: Handle) => void;
}

export class Passing {
  readonly #child: ChildProcess;
  readonly #giver: Giver;
  readonly #away = new Map<number, Away>();
  #settled: (() => void) | undefined;
  #seq = 0;

  constructor(child: ChildProcess, giver: Giver) {
    this.#child = child;
    this.#giver = giver;
    child.on('message', (message) => {
      const word = heard(message);
      if (word?.cordon === 'took') this.#took(word.seq);
      else if (word?.cordon === 'returned') this.#back(word.seq);
      else if (word?.cordon === 'keep') giver.keep(word.app);
    });
    child.once('disconnect', () => {
      giver.keep();
      for (const seq of this.#away.keys()) this.#back(seq);
    });
  }

  count(app: string, legacy: Legacy): void {
    const message: ToSuccessor = { cordon: 'counted', app, legacy };
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  pass(app: string, moved: Moved, handle: Handle): void {
    const seq = ++this.#seq;
    this.#away.set(seq, { app, moved, handle });
    const message: ToSuccessor = { cordon: 'connection', app, seq, moved };
    if (!this.#child.connected) return this.#back(seq);
    this.#child.send(message, handle as never, undefined, (error) => {
      if (error && this.#child.connected) this.#took(seq);
      else if (error) this.#back(seq);
    });
  }

  /** Resolves when all have arrived, or after so long. */
  async settled(withinMs: number): Promise<void> {
    if (this.#away.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#settled = resolve;
      setTimeout(resolve, withinMs);
    });
  }

  #took(seq: number): void {
    this.#away.get(seq)?.handle.close();
    this.#gone(seq);
  }

  #back(seq: number): void {
    const away = this.#away.get(seq);
    this.#gone(seq);
    if (away === undefined) return;
    // First, or it would come here again.
    this.#giver.keep(away.app);
    this.#giver.back(away.app, away.moved, away.handle);
  }

  #gone(seq: number): void {
    this.#away.delete(seq);
    if (this.#away.size === 0) this.#settled?.();
  }
}
