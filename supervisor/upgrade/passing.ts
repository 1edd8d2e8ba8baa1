// What goes to the successor: what has been counted, and connections. A copy of each stays here until the successor has said that it
// has it.
import type { ChildProcess } from 'node:child_process';
import type { Moved } from '../../worker/protocol.js';
import type { Legacy } from '../metrics/legacy.js';
import { heard, type ToSuccessor } from './protocol.js';

interface Handle {
  close(): void;
}

export class Passing {
  readonly #child: ChildProcess;
  readonly #away = new Map<number, Handle>();
  #settled: (() => void) | undefined;
  #seq = 0;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', (message) => {
      const word = heard(message);
      if (word?.cordon === 'took') this.#took(word.seq);
    });
    child.once('disconnect', () => {
      for (const seq of this.#away.keys()) this.#took(seq);
    });
  }

  count(legacy: Legacy): void {
    const message: ToSuccessor = { cordon: 'counted', legacy };
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  pass(moved: Moved, handle: Handle): void {
    const seq = ++this.#seq;
    this.#away.set(seq, handle);
    const message: ToSuccessor = { cordon: 'connection', seq, moved };
    if (!this.#child.connected) return this.#took(seq);
    this.#child.send(message, handle as never, undefined, (error) => error && this.#took(seq));
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
    this.#away.get(seq)?.close();
    this.#away.delete(seq);
    if (this.#away.size === 0) this.#settled?.();
  }
}
