// The supervisor's process: it forks workers, owns their sockets, reads what they print, and does very little else, so that little
// can go wrong in it. This file holds what a process has only once: signals, its user, its pid file, systemd, its end.
import { once } from 'node:events';
import os from 'node:os';
import type { Config } from '../config/config.js';
import { roundedWords } from '../config/cores.js';
import { ExitCode } from '../config/exit-code.js';
import type { Commands } from './commands.js';
import type { Environment } from './environment.js';
import { FleetRun } from './fleet-run.js';
import type { BookFigures, IncidentBook } from './incidents/incidents.js';
import { Lineage } from './lineage.js';
import { removePidFile, writePidFile } from './pid-file.js';
import { policyOf } from './policy.js';
import { furnish, groundOf, leave, type Premises, pinAll, tellWhere } from './premises.js';
import { type Ending, onEnding, onSignal } from './signals.js';
import type { Service } from './systemd/service.js';
import type { Predecessor } from './upgrade/predecessor.js';
import { count } from './words.js';

export type { Commands };

/** What can be seen of a fleet, besides `Commands.status`. */
export interface Views {
  readonly incidents: IncidentBook;
  /** Prometheus text. */
  readonly metrics: () => Promise<string>;
}

export interface About {
  readonly version: string;
  /** Where the operator stood, as they got there, for whoever follows this process. Default: the working directory. */
  readonly folder?: string;
  /** Hears once what can be seen of the fleet, before its first worker starts. */
  readonly seen?: (views: Views) => void;
  /** Reads the configuration again, for a reload. Default: it stays as it is. @throws {OperatorError} where it is wrong. */
  readonly reread?: (environment: Environment) => Promise<Config>;
  /** Hears once how the fleet is commanded, before its first worker starts. */
  readonly commanded?: (commands: Commands) => void;
  /** The supervisor that this one is to follow. */
  readonly predecessor?: Predecessor | undefined;
  /** systemd, where it has started this process. */
  readonly service?: Service | undefined;
}

/**
 * Runs the fleet until it is told to stop, and resolves to the exit code: 0, or 128 + n where signal n would not wait.
 * @throws {OperatorError} where the fleet cannot start at all: an address that is taken, a script that does not parse.
 */
export async function supervise(config: Config, about: About): Promise<number> {
  const { predecessor, service } = about;
  const ground = groundOf(config, [...(predecessor?.sockets ?? []), ...(service?.sockets() ?? [])]);
  if (config.user !== undefined) {
    await pinAll(ground);
    // Before anything else is made that must belong to the user: the control socket, the book of errors.
    (await import('./privileges.js')).drop(config);
  }
  const premises = await furnish(ground, predecessor !== undefined);
  const signals = new AbortController();
  try {
    if (config.user === undefined) await pinAll(premises);
    if (config.pidFile !== undefined && predecessor === undefined) writePidFile(config.pidFile);
    tellWhere(premises);
    return await live(premises, about, signals.signal);
  } finally {
    if (config.pidFile !== undefined) removePidFile(config.pidFile);
    signals.abort();
    await leave(premises);
  }
}

/** From the first worker to the last. */
async function live(premises: Premises, about: About, until: AbortSignal): Promise<number> {
  const { config, log } = premises;
  const { version, folder = process.cwd(), predecessor, service, reread = () => Promise.resolve(config) } = about;
  const stopped = once(until, 'abort');
  const hurry = new AbortController();
  const hurried = once(hurry.signal, 'abort');
  let exitCode = 0;
  let stillborn: string | undefined;
  const lineage = new Lineage(
    () => run,
    { folder, predecessor, service },
    (verdict) => {
      if (verdict.type === 'ready') {
        if (config.pidFile !== undefined) writePidFile(config.pidFile);
        return;
      }
      exitCode = ExitCode.failed;
      stillborn = verdict.why;
      run.halt();
    },
  );
  const run: FleetRun = new FleetRun(premises, {
    version,
    scale: predecessor?.scale,
    reread,
    observe: (...turn) => {
      service?.observe(...turn);
      lineage.observe(...turn);
    },
    leaving: () => {
      lineage.upgrade.callOff();
      service?.look();
    },
    stopping: () => lineage.upgrade.callOff(),
    stopped,
    upgrade: () => lineage.upgrade.start(),
    standing: () => ({ isReplaced: lineage.isSucceeded, isUpgrading: lineage.upgrade.isUnderWay }),
  });
  let isSignalled = false;
  hear(run, lineage, until, (signal) => {
    // Signals count, not that the fleet stops: it may do so since a successor serves.
    const again = isSignalled;
    isSignalled = true;
    if (again) hurry.abort();
    if (again || signal === 'SIGQUIT') exitCode = 128 + os.constants.signals[signal];
    run.stop(exitCode !== 0);
  });
  about.seen?.({ incidents: premises.incidents, metrics: () => run.metrics.scrape() });
  about.commanded?.(run.commands);
  run.answer();
  log.info(
    `cordon ${version} (Node ${process.versions.node}, pid ${process.pid}) runs ${config.script} in ${count(run.fleet.size, 'worker')}${roundedWords(config.workers)}`,
  );
  service?.begin(standingOf(run));
  lineage.begin(() => {
    service?.promote();
    void run.openAgents(config.stop.timeoutMs);
  });
  if (predecessor === undefined) void run.openAgents(0);
  run.begin();

  try {
    await run.ended;
    if (stillborn !== undefined) await predecessor?.failed(run.hopeless?.message ?? stillborn);
    if (run.hopeless) throw run.hopeless;
    // Node removes the paths of unix sockets when it closes them, and it closes them unless the process is ended.
    if (lineage.isSucceeded) {
      await premises.control.close();
      await premises.incidents.close();
      // What the one before still hands over goes through here.
      if (predecessor) await Promise.race([predecessor.gone(), hurried]);
      await lineage.settled();
      process.exit(exitCode);
    }
    // systemd kills whatever is left when its main process ends: the predecessor may still have requests to answer.
    if (exitCode === 0 && predecessor) await Promise.race([predecessor.gone(), hurried]);
    await service?.end();
    return exitCode;
  } finally {
    run.closeAgents();
  }
}

function hear(run: FleetRun, { upgrade }: Lineage, until: AbortSignal, end: (signal: Ending) => void): void {
  const scale = async (by: number): Promise<void> => {
    const outcome = await run.commands.scale({ by });
    if (!outcome.ok)
      run.chronicle.note('warn', 'refused', `${outcome.became ? 'scale' : 'nothing was changed'}: ${outcome.why}`);
  };
  onEnding(until, end);
  onSignal(until, 'SIGUSR2', () => void upgrade.start());
  onSignal(until, 'SIGHUP', () => void run.commands.reload({}));
  onSignal(until, 'SIGTTIN', () => void scale(1));
  onSignal(until, 'SIGTTOU', () => void scale(-1));
}

/** What systemd is to know of a fleet. */
function standingOf(run: FleetRun): Parameters<Service['begin']>[0] {
  const { config, log, incidents, sockets } = run.premises;
  return {
    log,
    fleet: () => run.fleet,
    policy: policyOf(config),
    now: () => run.now(),
    incidents: () => unresolved(incidents.figures),
    unserved: () => sockets.unserved,
    leaving: () => run.isLeaving,
    delayMs: config.stop.delayMs,
    give: run.giveUp,
  };
}

const unresolved = (figures: BookFigures): number => figures.new + figures.known + figures.returned;
