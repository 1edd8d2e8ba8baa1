// cordon as a service of systemd: one object that hears of every turn of the fleet and says the rest. Loaded only where systemd, or
// whoever speaks like it, has started this process.
import os from 'node:os';
import { ExitCode, OperatorError } from '../../config/exit-code.js';
import type { Inherited } from '../inheritance.js';
import type { Fleet } from '../state.js';
import { stateOf } from '../status.js';
import type { Observer } from '../supervisor.js';
import { lentBy } from './activation.js';
import type { Invitation } from './invitation.js';
import { byCommand, byDescriptor, Notifier } from './notifier.js';
import { Watchdog } from './watchdog.js';
import { nothingTold, speak, type Told } from './words.js';

/** What the service must know of the supervisor. */
export interface Means {
  readonly log: { warn(text: string): void };
  /** Of all apps, as if they were one. */
  readonly fleet: () => Fleet;
  readonly apps: () => number;
  /** How long a boot, and a graceful stop, may take. */
  readonly bootMs: () => number;
  readonly stopMs: () => number;
  /** By how much the machines are late to do what they had planned. */
  readonly overdueMs: () => number;
  readonly incidents: () => number;
  /** How many workers must serve before the service counts as started. */
  readonly quorum: () => number;
  readonly maintenance: () => boolean;
  /** What systemd has lent and no worker listens on. */
  readonly unserved: () => readonly string[];
  /** A stop was asked for, and waits for load balancers to notice. */
  readonly leaving: () => boolean;
  /** Ends the fleet with this reason. */
  readonly give: (up: OperatorError) => void;
}

/** What a successor is started with, so that it can speak when its time has come. */
export interface Heritage {
  readonly environment: NodeJS.ProcessEnv;
  readonly descriptors: readonly number[];
}

/** How long, after its workers are ready, a socket of the unit may still wait for one that listens on it. */
const SERVED_WITHIN_MS = 5000;
const LOOK_EVERY_MS = 100;
/** The machine's next deadline is met within milliseconds where all is well. */
const OVERDUE_MS = 5000;
/** A last word is waited for, but nobody hangs on it. */
const LAST_WORD_MS = 5000;

export class Service {
  readonly #invitation: Invitation;
  readonly #notifier: Notifier;
  #means: Means | undefined;
  #told: Told = nothingTold;
  /** Whether systemd knows this process as the main one. */
  #isMain: boolean;
  #watchdog: Watchdog | undefined;
  #search: NodeJS.Timeout | undefined;

  /** `follows`: another supervisor is the main process, until it says otherwise. */
  constructor(invitation: Invitation, follows: boolean) {
    const { notifyFd, notifySocket } = invitation;
    this.#invitation = invitation;
    this.#isMain = !follows;
    const transports = [
      ...(notifyFd === undefined ? [] : [byDescriptor(notifyFd)]),
      ...(notifySocket === undefined ? [] : [byCommand(notifySocket)]),
    ];
    this.#notifier = new Notifier(transports, ({ message }) =>
      this.#means?.log.warn(
        `cannot tell systemd how this service is (${message}). Pass its socket, OpenFile=/run/systemd/notify:notify, or install systemd-notify`,
      ),
    );
  }

  /** @throws {OperatorError} where one of them is of no use. */
  sockets(): Inherited[] {
    return lentBy(this.#invitation.descriptors);
  }

  begin(means: Means): void {
    this.#means = means;
    const { meantFor } = this.#invitation;
    if (meantFor !== undefined)
      means.log.warn(
        `the sockets of systemd are meant for process ${meantFor}, not for this one (${process.pid}), and are not used: start cordon itself in ExecStart=, not a shell or npm`,
      );
    if (this.#isMain) this.#speakUp();
  }

  readonly observe: Observer = () => this.#speak();

  /** Something has changed that is no turn of the fleet. */
  look(): void {
    this.#speak();
  }

  /** The main process from now on. */
  promote(): void {
    if (this.#isMain) return;
    this.#isMain = true;
    if (this.#means) this.#speakUp();
  }

  heritage(firstFd: number): Heritage {
    const { notifyFd, notifySocket, watchdogMs } = this.#invitation;
    return {
      environment: {
        ...(notifyFd !== undefined && { NOTIFY_FD: String(firstFd) }),
        ...(notifySocket !== undefined && { NOTIFY_SOCKET: notifySocket }),
        ...(watchdogMs !== undefined && { WATCHDOG_USEC: String(watchdogMs * 1000) }),
      },
      descriptors: notifyFd === undefined ? [] : [notifyFd],
    };
  }

  /** Resolves when systemd knows its new main process. Nothing is said here any more. */
  async handOver(pid: number): Promise<void> {
    this.#watchdog?.stop();
    this.#notifier.say({ MAINPID: String(pid) });
    this.#notifier.mute();
    await this.#notifier.heard();
  }

  /** Why this process ends, in systemd's own terms. */
  async failed(error: unknown): Promise<void> {
    if (!this.#isMain) return;
    this.#quieten();
    if (error instanceof OperatorError)
      this.#notifier.say({ ERRNO: String(errnoOf(error)), STATUS: error.message.slice(0, 1000) });
    await this.end();
  }

  /** Resolves when the last word is heard. */
  async end(): Promise<void> {
    this.#quieten();
    const timer = new Promise<void>((resolve) => setTimeout(resolve, LAST_WORD_MS).unref());
    await Promise.race([this.#notifier.heard(), timer]);
  }

  #quieten(): void {
    this.#watchdog?.stop();
    clearInterval(this.#search);
  }

  #speakUp(): void {
    const { watchdogMs } = this.#invitation;
    if (watchdogMs !== undefined)
      this.#watchdog = new Watchdog(
        watchdogMs,
        () => this.#isWell(),
        () => {
          this.#notifier.say({ WATCHDOG: '1' });
          this.#speak();
        },
      );
    this.#speak();
  }

  #speak(): void {
    if (!this.#means || !this.#isMain) return;
    const { fleet, apps, bootMs, stopMs, incidents, unserved, leaving, maintenance } = this.#means;
    const now = fleet();
    const quorum = this.#means.quorum();
    const { told, words } = speak(this.#told, now, {
      incidents: incidents(),
      reloading: stateOf(now) === 'reloading',
      quorum,
      served: this.#told.ready || unserved().length === 0,
      apps: apps(),
      bootMs: bootMs(),
      leaving: leaving(),
      maintenance: maintenance(),
      stopMs: stopMs(),
      monotonicUsec: process.hrtime.bigint() / 1000n,
    });
    this.#told = told;
    for (const message of words) this.#notifier.say(message);
    if (!told.ready && told.serving >= quorum && now.goal === 'serve') this.#await(this.#means);
  }

  /** A program may listen on its second address a moment after its first. One that never does would leave clients hanging. */
  #await({ unserved, give, log }: Means): void {
    if (this.#search !== undefined || unserved().length === 0) return;
    const until = performance.now() + SERVED_WITHIN_MS;
    log.warn(`waiting for a worker that listens on ${unserved().join(' and ')}`);
    this.#search = setInterval(() => {
      const left = unserved();
      if (left.length > 0 && performance.now() < until) return;
      clearInterval(this.#search);
      if (left.length === 0) return this.#speak();
      give(
        new OperatorError(
          `systemd hands over ${left.join(' and ')}, and no worker listens there: its clients would wait for ever. Let the program listen on that address, or take it out of the socket unit.`,
          ExitCode.badConfig,
        ),
      );
    }, LOOK_EVERY_MS);
  }

  #isWell(): boolean {
    return this.#means === undefined || this.#means.overdueMs() < OVERDUE_MS;
  }
}

/** The sentence names it where the system had one; else the kind of failure does. */
function errnoOf({ message, exitCode }: OperatorError): number {
  const { errno } = os.constants;
  const named = /\((E[A-Z0-9]+)\)/.exec(message)?.[1];
  if (named !== undefined && named in errno) return errno[named as keyof typeof errno];
  if (exitCode === ExitCode.permission) return errno.EACCES;
  return exitCode === ExitCode.io ? errno.EIO : errno.EINVAL;
}
