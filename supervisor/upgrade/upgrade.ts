// The upgrade of the supervisor itself: a successor, which may be another version of cordon or of Node, takes over while clients
// are waiting on the same sockets. This file says when and in which words; `successor.ts` is the other process.
import type { UpgradeOutcome } from '../commands.js';
import type { Inherited } from '../inheritance.js';
import type { Heritage } from '../systemd/service.js';
import { again, here, nodeOf, obstacle, wayTo } from './possible.js';
import { FIRST_FD, type Will } from './protocol.js';
import { type Command, succeed, type Upgraded } from './successor.js';

export interface Means {
  /** Where this process was started, by the name that led there. */
  readonly folder: string;
  readonly log: { info(text: string): void; error(text: string): void };
  /** Why nobody can follow now, as a sentence. */
  readonly hindrance: () => string | undefined;
  readonly bequeath: () => readonly Inherited[];
  readonly apps: () => readonly Will[];
  /** What else it needs, its descriptors from this one on. */
  readonly heritage: (firstFd: number) => Heritage | undefined;
  /** The apps for which the operator wants no new requests here; the successor keeps it so. */
  readonly maintained: () => readonly string[];
  /** How long a successor's fleets may take to be ready. */
  readonly readyMs: () => number;
  /** The successor serves: everything here is its from now on. */
  readonly retire: (successor: Extract<Upgraded, { ok: true }>) => Promise<void>;
}

export class Upgrade {
  readonly #means: Means;
  #under: AbortController | undefined;
  #over: Promise<unknown> = Promise.resolve();

  constructor(means: Means) {
    this.#means = means;
  }

  /** Resolves when the successor serves, or will not. */
  async start(): Promise<UpgradeOutcome> {
    const { folder, log, hindrance, bequeath, apps, heritage, readyMs } = this.#means;
    const why =
      obstacle(here()) ??
      (this.#under ? 'an upgrade is under way' : undefined) ??
      hindrance() ??
      (wayTo(folder) === 'gone'
        ? `there is no folder ${folder} any more, in which this supervisor was started`
        : undefined);
    if (why !== undefined) {
      log.error(`cannot upgrade: ${why}`);
      return { ok: false, why };
    }
    const command = sameCommand(folder);
    const calledOff = (this.#under = new AbortController());
    // Not its arguments: `--env` may hold a secret.
    log.info(`upgrade: a successor starts (${command.file})`);
    const inheritance = bequeath();
    const passed = heritage(FIRST_FD + inheritance.length);
    const succeeded = succeed(command, inheritance, apps(), passed, readyMs(), calledOff.signal);
    const settled = succeeded.then((outcome) => this.#settle(outcome));
    this.#over = settled;
    return settled;
  }

  async #settle(outcome: Upgraded): Promise<UpgradeOutcome> {
    const { log, retire, maintained } = this.#means;
    this.#under = undefined;
    if (!outcome.ok) {
      log.error(`upgrade failed: ${outcome.why}; this supervisor goes on as if nothing had been`);
      return outcome;
    }
    const { pid, version, node } = outcome;
    log.info(`upgrade: the successor serves (cordon ${version}, Node ${node}, pid ${pid}); this supervisor leaves`);
    await retire(outcome);
    outcome.promote(maintained());
    return { ok: true, pid, version, node };
  }

  get isUnderWay(): boolean {
    return this.#under !== undefined;
  }

  /** Resolves when none is under way, and whoever was to leave for one does. */
  get over(): Promise<unknown> {
    return this.#over;
  }

  /** A stop wins over an upgrade. */
  callOff(): void {
    this.#under?.abort();
  }
}

/** As this process was started, with the node and the cordon that are there now. */
function sameCommand(folder: string): Command {
  const [, script = '', ...args] = process.argv;
  // One that gave up root may stand where it could not go.
  const isOpen = wayTo(folder) === 'open';
  return {
    file: nodeOf(process.argv0, process.env['PATH'], process.execPath, folder),
    args: [...process.execArgv, isOpen ? again(script, process.cwd(), folder) : script, ...args],
    folder: isOpen ? folder : undefined,
  };
}
