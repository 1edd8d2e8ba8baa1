// What an operator may ask of one live worker: a profile of it in a file, or its inspector for a while. Profiles are written by the
// worker itself into a private folder, so that a large one is never in the memory of this process.
import { rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inWords } from '../../config/duration.js';
import type { Look } from '../../worker/protocol.js';
import type { Refusal } from '../commands.js';
import { type Fleet, find } from '../state.js';
import type { Begun, Failure, Looks } from './looks.js';

export interface Means {
  readonly fleet: () => Fleet;
  readonly looks: Looks;
  readonly note: (text: string) => void;
}

/** A CPU profile of so many milliseconds, or else a heap snapshot. */
export type ProfileAsk = { readonly cpuMs: number } | { readonly heap: true };

export interface Profile {
  readonly ok: true;
  /** Its owner's alone. */
  readonly file: string;
  readonly remove: () => void;
}

export interface Inspection {
  readonly ok: true;
  readonly url: string;
  /** Resolves when it is closed, to why where that was not asked for. */
  readonly over: Promise<Failure>;
}

const SHORTEST_MS = 10;
const LONGEST_MS = 300_000;

export class Looking {
  readonly #means: Means;

  constructor(means: Means) {
    this.#means = means;
  }

  /** Resolves when it is written. `signal`: nobody wants it any more. */
  async profile(id: number, ask: ProfileAsk, signal: AbortSignal): Promise<Profile | Refusal> {
    const ms = 'cpuMs' in ask ? ask.cpuMs : undefined;
    if (ms !== undefined && !(ms >= SHORTEST_MS && ms <= LONGEST_MS))
      return { ok: false, why: `expected from ${inWords(SHORTEST_MS)} to ${inWords(LONGEST_MS)}, got ${ms} ms` };
    let folder: string;
    try {
      folder = await mkdtemp(join(tmpdir(), 'cordon-profile-'));
      await writeFile(join(folder, 'profile'), '', { mode: 0o600 });
    } catch (error) {
      return { ok: false, why: `no file can be made in ${tmpdir()}: ${(error as Error).message}` };
    }
    const file = join(folder, 'profile');
    const remove = (): void => rmSync(folder, { recursive: true, force: true });
    const look: Look = ms === undefined ? { kind: 'heap', file } : { kind: 'cpu', file, forMs: ms };
    const what = ms === undefined ? 'a snapshot of its heap is taken' : `its CPU is profiled for ${inWords(ms)}`;
    const begun = await this.#begin(id, look, what, signal);
    const failure = 'over' in begun ? await begun.over : begun.why;
    if (failure === undefined) return { ok: true, file, remove };
    remove();
    return { ok: false, why: failure };
  }

  /** Resolves when it is open. `signal` closes it. */
  async inspect(id: number, signal: AbortSignal): Promise<Inspection | Refusal> {
    const begun = await this.#begin(id, { kind: 'inspector' }, 'its inspector is opened', signal);
    if (!('over' in begun)) return begun;
    const { url = '', over } = begun;
    void over.then(() => this.#means.note(`worker ${id}: its inspector is closed again`));
    return { ok: true, url, over };
  }

  async #begin(id: number, look: Look, what: string, signal: AbortSignal): Promise<Begun | Refusal> {
    const { fleet, looks, note } = this.#means;
    const why = obstacle(fleet(), id) ?? looks.obstacle(id, look.kind);
    if (why !== undefined) return { ok: false, why };
    const begun = await looks.begin(id, look, signal);
    if (typeof begun === 'string') return { ok: false, why: begun };
    note(`worker ${id}: ${what}`);
    return begun;
  }
}

function obstacle(fleet: Fleet, id: number): string | undefined {
  const worker = find(fleet, id);
  if (!worker) return `there is no worker ${id}; there are ${fleet.workers.map((one) => one.id).join(', ') || 'none'}`;
  if (worker.phase === 'booting') return `worker ${id} is booting`;
  if (worker.phase === 'killing') return `worker ${id} is on its way out`;
  return worker.vitals.stuck ? `worker ${id} is stuck; \`cordon errors\` tells where` : undefined;
}
