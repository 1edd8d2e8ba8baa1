// The supervisor's process: it forks workers, owns their sockets, reads what they print, and does very little else, so that little
// can go wrong in it. This file wires the parts together.
import os from 'node:os';
import type { Config } from '../config/config.js';
import type { OperatorError } from '../config/exit-code.js';
import { Chronicle } from './chronicle.js';
import { Relay } from './handover.js';
import { Book } from './incidents/book.js';
import { openLog } from './log.js';
import { NodeHost } from './node-host.js';
import { Sockets } from './sockets.js';
import { isServing, type Policy } from './state.js';
import { Supervisor } from './supervisor.js';

/** How much later than a worker's own kill timer its SIGKILL comes. */
const GRACE_MS = 2000;

const policyOf = ({ ready, fault, stop, restart }: Config): Policy => ({
  readyTimeoutMs: ready.timeoutMs,
  killTimeoutMs: fault.killTimeoutMs,
  stopTimeoutMs: stop.timeoutMs,
  graceMs: GRACE_MS,
  backoff: restart.backoff,
  intensity: restart.intensity,
});

/**
 * Runs the fleet until it is told to stop, and resolves to the exit code: 0, or 128 + n where signal n would not wait.
 * @throws {OperatorError} where the fleet cannot start at all: an address that is taken, a script that does not parse.
 */
export async function supervise(config: Config, about: { readonly version: string }): Promise<number> {
  const log = openLog(config);
  const sockets = new Sockets((path) =>
    log.warn(`took over ${path}: the process that listened there died without removing it`),
  );
  for (const address of config.listen) await sockets.pin(address);
  const signals = new AbortController();

  try {
    return await new Promise<number>((resolve, reject) => {
      let exitCode = 0;
      let hopeless: OperatorError | undefined;
      const chronicle = new Chronicle(log, new Book(config.cwd), (error) => {
        hopeless ??= error;
        supervisor.tell({ type: 'halt-asked' });
      });
      const finished = (): void => (hopeless ? reject(hopeless) : resolve(exitCode));
      const relay: Relay = new Relay({
        serving: () => {
          const ready = supervisor.fleet.workers.filter(({ phase }) => phase === 'ready');
          return (ready.length > 0 ? ready : supervisor.fleet.workers.filter(isServing)).map(({ id }) => id);
        },
        send: (id, message, handle) => host.give(id, message, handle),
      });
      const host: NodeHost = new NodeHost(
        config,
        sockets,
        relay,
        (event) => supervisor.tell(event),
        chronicle,
        finished,
      );
      const supervisor: Supervisor = new Supervisor(
        host,
        config.workers,
        policyOf(config),
        (event, before, ...rest) => {
          chronicle.observe(event, before, ...rest);
          if (event.type === 'ready') relay.look();
        },
      );

      onSignals(signals.signal, (signal) => {
        const again = supervisor.fleet.goal !== 'serve';
        if (again || signal === 'SIGQUIT') exitCode = 128 + os.constants.signals[signal];
        supervisor.tell({ type: exitCode === 0 ? 'stop-asked' : 'halt-asked' });
        // Nobody will accept what comes from now on: better refused at once than left waiting, and reset at the end.
        sockets.close();
        relay.close();
      });

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
  for (const signal of ENDING) {
    const listener = (): void => tell(signal);
    process.on(signal, listener);
    until.addEventListener('abort', () => process.removeListener(signal, listener));
  }
}
