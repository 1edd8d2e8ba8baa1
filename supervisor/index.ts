// The supervisor's process: it forks workers, owns their sockets, reads what they print, and does very little else, so that little
// can go wrong in it. This file wires the parts together.
import { once } from 'node:events';
import os from 'node:os';
import type { Config } from '../config/config.js';
import type { OperatorError } from '../config/exit-code.js';
import { Chronicle } from './chronicle.js';
import type { Commands } from './commands.js';
import { FleetCommands } from './fleet-commands.js';
import { History } from './history.js';
import { Book } from './incidents/book.js';
import { openLog } from './log.js';
import { NodeHost } from './node-host.js';
import { Releases } from './releases.js';
import { Sockets } from './sockets.js';
import { emptyFleet, type Policy } from './state.js';
import type { Particulars } from './status.js';
import { Supervisor } from './supervisor.js';

/** How much later than a worker's own kill timer its SIGKILL comes. */
const GRACE_MS = 2000;

const policyOf = ({ ready, boot, fault, stop, restart }: Config): Policy => ({
  readyTimeoutMs: ready.timeoutMs,
  killTimeoutMs: fault.killTimeoutMs,
  stopTimeoutMs: stop.timeoutMs,
  graceMs: GRACE_MS,
  backoff: restart.backoff,
  intensity: restart.intensity,
  bootConcurrency: boot.concurrency,
});

export type { Commands };

export interface About {
  readonly version: string;
  /** Reads the configuration again, for a reload. Default: it stays as it is. @throws {OperatorError} where it is wrong. */
  readonly reread?: () => Promise<Config>;
  /** Hears once how the fleet is commanded, before its first worker starts. */
  readonly commanded?: (commands: Commands) => void;
}

/**
 * Runs the fleet until it is told to stop, and resolves to the exit code: 0, or 128 + n where signal n would not wait.
 * @throws {OperatorError} where the fleet cannot start at all: an address that is taken, a script that does not parse.
 */
export async function supervise(config: Config, about: About): Promise<number> {
  const log = openLog(config);
  const sockets = new Sockets((path) =>
    log.warn(`took over ${path}: the process that listened there died without removing it`),
  );
  for (const address of config.listen) await sockets.pin(address);
  const releases = new Releases();
  releases.add(config);
  const signals = new AbortController();
  const stopped = once(signals.signal, 'abort');

  try {
    return await new Promise<number>((resolve, reject) => {
      let exitCode = 0;
      let hopeless: OperatorError | undefined;
      const chronicle = new Chronicle(log, new Book(config.cwd), (error) => {
        hopeless ??= error;
        supervisor.tell({ type: 'halt-asked' });
      });
      const finished = (): void => (hopeless ? reject(hopeless) : resolve(exitCode));
      const host = new NodeHost(releases, sockets, (event) => supervisor.tell(event), chronicle, finished);
      const history = new History();
      const fleet = emptyFleet(config.workers, config.standby);
      const supervisor = new Supervisor(host, fleet, policyOf(config), (...turn) => {
        chronicle.observe(...turn);
        history.observe(...turn);
        commands.observe(...turn);
      });

      const stop = (now: boolean): void => {
        supervisor.tell({ type: now ? 'halt-asked' : 'stop-asked' });
        // Nobody will accept what comes from now on: better refused at once than left waiting, and reset at the end.
        sockets.close();
      };
      onSignals(signals.signal, (signal) => {
        const again = supervisor.fleet.goal !== 'serve';
        if (again || signal === 'SIGQUIT') exitCode = 128 + os.constants.signals[signal];
        stop(exitCode !== 0);
      });
      const particulars = (id: number): Particulars | undefined => host.particulars(id);
      const { version, reread = () => Promise.resolve(config) } = about;
      const pin = async (added: Config['listen']): Promise<void> => {
        for (const address of added) await sockets.pin(address);
      };
      const commands = new FleetCommands({
        config,
        version,
        supervisor,
        releases,
        history,
        reread,
        policyOf,
        pin,
        particulars,
        stop,
        stopped,
        lastWords: (worker) => chronicle.lastWords(worker),
        refused: (why) => log.error(`nothing was changed: ${why}`),
      });
      about.commanded?.(commands);
      onSignal(signals.signal, 'SIGHUP', () => void commands.reload({}));
      const scale = async (by: number): Promise<void> => {
        const outcome = await commands.scale({ by });
        if (!outcome.ok) log.warn(`nothing was changed: ${outcome.why}`);
      };
      onSignal(signals.signal, 'SIGTTIN', () => void scale(1));
      onSignal(signals.signal, 'SIGTTOU', () => void scale(-1));

      log.info(
        `cordon ${about.version} (Node ${process.versions.node}, pid ${process.pid}) runs ${config.script} in ${config.workers === 1 ? '1 worker' : `${config.workers} workers`}`,
      );
      supervisor.tell({ type: 'time-passed' });
    });
  } finally {
    signals.abort();
    sockets.close();
  }
}

const ENDING = ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const;

function onSignals(until: AbortSignal, tell: (signal: (typeof ENDING)[number]) => void): void {
  for (const signal of ENDING) onSignal(until, signal, () => tell(signal));
}

function onSignal(until: AbortSignal, signal: NodeJS.Signals, listener: () => void): void {
  process.on(signal, listener);
  until.addEventListener('abort', () => process.removeListener(signal, listener));
}
