// The stuck workers of a fleet, while each is opened from outside: what is found becomes a fact for the machine, and is told to
// whoever keeps the record.
import type { ChildProcess } from 'node:child_process';
import type { Effect } from '../effect.js';
import type { Event } from '../event.js';
import { Examination } from './examine.js';
import { obstacle, opensInspector } from './obstacle.js';
import type { Finding } from './protocol.js';

/** What is worth a record. */
export type Diagnosis = Extract<Finding, { type: 'stack' | 'failed' }>;

interface Patient {
  readonly id: number;
  readonly child: ChildProcess;
  /** The options that its node was started with, NODE_OPTIONS too. */
  readonly nodeArgs: readonly string[];
}

export class Ward {
  readonly #tell: (event: Event) => void;
  readonly #examinations = new Map<number, Examination>();
  readonly #opened = new Set<number>();

  constructor(tell: (event: Event) => void) {
    this.#tell = tell;
  }

  examine(
    { id, child, nodeArgs }: Patient,
    { onHang, hangMs }: Extract<Effect, { type: 'examine' }>,
    diagnosed: (diagnosis: Diagnosis) => void,
  ): void {
    const found = (finding: Finding | { readonly type: 'opened' }): void => {
      if (finding.type === 'opened') this.#opened.add(id);
      if (finding.type === 'stack' || finding.type === 'failed') diagnosed(finding);
      this.#tell({ type: 'examined', id, step: finding.type === 'stack' ? 'seen' : finding.type });
    };
    const examination = new Examination();
    this.#examinations.get(id)?.end();
    this.#examinations.set(id, examination);
    const why =
      child.stderr === null
        ? 'where its inspector listens is printed, and not read (logs.mode is "inherit")'
        : opensInspector(nodeArgs)
          ? 'its inspector is open already'
          : obstacle(child.pid ?? 0);
    if (why !== undefined) return found({ type: 'failed', why });
    void examination.run((signal) => child.kill(signal), { onHang, hangMs }, found);
  }

  /** Whether this line of a worker's stderr is Node's word on the inspector. */
  said(id: number, line: string): boolean {
    return this.#examinations.get(id)?.said(line) ?? false;
  }

  /** It is heard again. What Node says when the inspector closes is still to be kept from the log. Whether we have opened it. */
  back(id: number): boolean {
    this.#examinations.get(id)?.end();
    return this.#opened.delete(id);
  }

  gone(id: number): void {
    this.back(id);
    this.#examinations.delete(id);
  }
}
