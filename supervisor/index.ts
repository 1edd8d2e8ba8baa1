// The supervisor's process: it forks workers, owns their sockets, reads what they print, and does very little else, so that little
// can go wrong in it. This file wires the parts together.
import { once } from 'node:events';
import os from 'node:os';
import type { Config } from '../config/config.js';
import { inWords } from '../config/duration.js';
import { ExitCode, OperatorError } from '../config/exit-code.js';
import type { Agents } from './agent/agent.js';
import { Before } from './before.js';
import { Chronicle } from './chronicle.js';
import type { Commands } from './commands.js';
import { FleetCommands } from './fleet-commands.js';
import { Relay } from './handover.js';
import { History } from './history.js';
import { type BookFigures, type IncidentBook, Incidents } from './incidents/incidents.js';
import { Journal } from './journal.js';
import { openLog } from './log.js';
import { Metrics } from './metrics/metrics.js';
import { NodeHost } from './node-host.js';
import { removePidFile, writePidFile } from './pid-file.js';
import { Releases } from './releases.js';
import { Sockets } from './sockets.js';
import { emptyFleet, type Policy } from './state.js';
import type { Particulars } from './status.js';
import { Supervisor } from './supervisor.js';
import type { Service } from './systemd/service.js';
import { debut } from './upgrade/debut.js';
import { Passing } from './upgrade/passing.js';
import type { Predecessor } from './upgrade/predecessor.js';
import { Upgrade } from './upgrade/upgrade.js';

/** How much later than a worker's own kill timer its SIGKILL comes. */
const GRACE_MS = 2000;

/** What a successor of the supervisor may take beside its workers: to start, and to read its configuration. */
const BOOT_MS = 15_000;

const policyOf = ({ ready, boot, fault, stop, restart, reload, health, limits }: Config): Policy => ({
  readyTimeoutMs: ready.timeoutMs,
  killTimeoutMs: fault.killTimeoutMs,
  stopTimeoutMs: stop.timeoutMs,
  graceMs: GRACE_MS,
  backoff: restart.backoff,
  intensity: restart.intensity,
  bootConcurrency: boot.concurrency,
  health,
  limits: { ...limits, surge: reload.surge },
  giveUpAt: restart.giveUp,
});

export type { Commands };

/** What can be seen of a fleet, besides `Commands.status`. */
export interface Views {
  readonly incidents: IncidentBook;
  /** Prometheus text. */
  readonly metrics: () => Promise<string>;
}

export interface About {
  readonly version: string;
  /** Hears once what can be seen of the fleet, before its first worker starts. */
  readonly seen?: (views: Views) => void;
  /** Reads the configuration again, for a reload. Default: it stays as it is. @throws {OperatorError} where it is wrong. */
  readonly reread?: () => Promise<Config>;
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
  const journal = new Journal();
  const log = openLog(config, (line) => journal.lines.add(line));
  const sockets = new Sockets((path) =>
    log.warn(`took over ${path}: the process that listened there died without removing it`),
  );
  const { service } = about;
  sockets.inherit([...(about.predecessor?.sockets ?? []), ...(service?.sockets() ?? [])]);
  sockets.check(config.listen);
  if (config.user !== undefined) {
    for (const address of config.listen) await sockets.pin(address);
    // Before anything else is made that must belong to the user: the control socket, the book of errors.
    (await import('./privileges.js')).drop(config);
  }
  const { openControl } = await import('./control/server.js');
  const control = await openControl(config, {
    follows: about.predecessor !== undefined,
    bug: (error) => log.error({ err: error }, 'a bug in cordon: a command failed'),
  });
  const releases = new Releases();
  releases.add(config);
  const incidents = new Incidents(config, (sentence) => log.warn(sentence), about.predecessor !== undefined);
  await incidents.open();
  const signals = new AbortController();
  const stopped = once(signals.signal, 'abort');
  const hurry = new AbortController();
  let agents: Agents | undefined;
  const hurried = once(hurry.signal, 'abort');

  try {
    if (config.user === undefined) for (const address of config.listen) await sockets.pin(address);
    if (config.pidFile !== undefined && about.predecessor === undefined) writePidFile(config.pidFile);
    if (control.why) log.error(`no command will reach this fleet: ${control.why.message}`);
    else log.info(`commands are taken at ${control.path}`);
    if (control.readers) log.info(`questions are answered at ${control.readers}`);
    return await new Promise<number>((resolve, reject) => {
      let exitCode = 0;
      let left = false;
      let passing: Passing | undefined;
      let awaited = about.predecessor !== undefined;
      let stillborn: string | undefined;
      let hopeless: OperatorError | undefined;
      const giveUp = (error: OperatorError): void => {
        hopeless ??= error;
        supervisor.tell({ type: 'halt-asked' });
      };
      const chronicle = new Chronicle(log, incidents, journal, giveUp);
      const metrics = new Metrics({
        name: config.name,
        version: about.version,
        incidents: () => incidents.figures,
        measure: (seq) => host.measure(seq),
      });
      const finished = async (): Promise<void> => {
        if (stillborn !== undefined) await about.predecessor?.failed(hopeless?.message ?? stillborn);
        if (hopeless) return reject(hopeless);
        // Node removes the paths of unix sockets when it closes them, and it closes them unless the process is ended.
        if (left) {
          passing?.count(metrics.bequeath());
          await passing?.settled(GRACE_MS);
          await control.close();
          await incidents.close();
          process.exit(exitCode);
        }
        // systemd kills whatever is left when its main process ends: the predecessor may still have requests to answer.
        if (exitCode === 0 && about.predecessor) await Promise.race([about.predecessor.gone(), hurried]);
        await service?.end();
        resolve(exitCode);
      };
      const relay: Relay = new Relay(
        () => supervisor.fleet,
        (id, message, handle) => host.give(id, message, handle),
        () => metrics.handedOver(),
      );
      const host: NodeHost = new NodeHost(
        releases,
        sockets,
        relay,
        (event) => supervisor.tell(event),
        metrics.overhear(chronicle),
        // Once the turn that ends the fleet has been seen: why it ends is known by then.
        () => queueMicrotask(() => void finished()),
      );
      const history = new History();
      const fleet = emptyFleet(config.workers, config.standby);
      const supervisor: Supervisor = new Supervisor(host, fleet, policyOf(config), (...turn) => {
        chronicle.observe(...turn);
        history.observe(...turn);
        service?.observe(...turn);
        metrics.observe(...turn);
        commands.observe(...turn);
        relay.observe();
        const [event, before, after, effects] = turn;
        for (const effect of effects) if (effect.type === 'give-up') hopeless ??= surrendered(effect.failures, history);
        const verdict = awaited ? debut(event, before, after) : undefined;
        if (verdict === undefined) return;
        awaited = false;
        if (verdict.type === 'ready') {
          sockets.disclaim();
          control.takeOver();
          if (config.pidFile !== undefined) writePidFile(config.pidFile);
          about.predecessor?.ready();
        } else {
          exitCode = ExitCode.failed;
          stillborn = verdict.why;
          supervisor.tell({ type: 'halt-asked' });
        }
      });
      const upgrade = new Upgrade({
        log: {
          info: (text) => chronicle.note('info', 'upgrade', text),
          error: (text) => chronicle.note('error', 'upgrade', text),
        },
        serves: () => supervisor.fleet.goal === 'serve',
        bequeath: () => sockets.bequeath(),
        heritage: (firstFd) => service?.heritage(firstFd),
        readyMs: beforeMs(config) + config.ready.timeoutMs * config.workers + BOOT_MS,
        retire: async ({ pid, child }) => {
          passing = new Passing(child);
          passing.count(metrics.bequeath());
          await service?.handOver(pid);
          agents?.close();
          left = true;
          sockets.forsake();
          control.leave();
          relay.follow((moved, handle) => passing?.pass(moved, handle));
          supervisor.tell({ type: 'stop-asked' });
        },
      });
      onSignal(signals.signal, 'SIGUSR2', () => void commands.upgrade());

      let delayed: NodeJS.Timeout | undefined;
      const stop = (now: boolean): void => {
        if (!now && delayed === undefined && config.stop.delayMs > 0) {
          delayed = setTimeout(stop, config.stop.delayMs, false);
          service?.look();
          log.info(`stopping in ${inWords(config.stop.delayMs)}: load balancers have time to notice`);
          return;
        }
        clearTimeout(delayed);
        upgrade.callOff();
        supervisor.tell({ type: now ? 'halt-asked' : 'stop-asked' });
        // Nobody will accept what comes from now on: better refused at once than left waiting, and reset at the end.
        sockets.close();
      };
      onSignals(signals.signal, (signal) => {
        const again = supervisor.fleet.goal !== 'serve' || delayed !== undefined;
        if (again) hurry.abort();
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
        leaving: () => delayed !== undefined,
        upgrade: () => upgrade.start(),
        lastWords: (worker) => chronicle.lastWords(worker),
        refused: (why) => chronicle.note('error', 'refused', `nothing was changed: ${why}`),
        before: new Before(chronicle.beforeLog),
        giveUp,
      });
      about.seen?.({ incidents, metrics: () => metrics.scrape() });
      about.commanded?.(commands);
      control.serve({
        config: () => releases.newest,
        commands,
        journal,
        incidents,
        metrics: () => metrics.scrape(),
      });
      onSignal(signals.signal, 'SIGHUP', () => void commands.reload({}));
      const scale = async (by: number): Promise<void> => {
        const outcome = await commands.scale({ by });
        if (!outcome.ok) chronicle.note('warn', 'refused', `nothing was changed: ${outcome.why}`);
      };
      onSignal(signals.signal, 'SIGTTIN', () => void scale(1));
      onSignal(signals.signal, 'SIGTTOU', () => void scale(-1));

      log.info(
        `cordon ${about.version} (Node ${process.versions.node}, pid ${process.pid}) runs ${config.script} in ${config.workers === 1 ? '1 worker' : `${config.workers} workers`}`,
      );
      service?.begin({
        log,
        fleet: () => supervisor.fleet,
        policy: policyOf(config),
        now: () => host.now(),
        incidents: () => unresolved(incidents.figures),
        unserved: () => sockets.unserved,
        leaving: () => delayed !== undefined,
        delayMs: config.stop.delayMs,
        give: giveUp,
      });
      const openAgents = async (untilMs: number): Promise<void> => {
        if (config.agent.listen.length === 0) return;
        const { answer, Agents } = await import('./agent/agent.js');
        agents = new Agents(() => answer(supervisor.fleet, delayed !== undefined));
        await agents.open(config.agent.listen, untilMs).catch(giveUp);
      };
      about.predecessor?.counted((legacy) => metrics.inherit(legacy));
      about.predecessor?.passes((moved, handle) => relay.adopt(moved, handle));
      if (about.predecessor === undefined) void openAgents(0);
      about.predecessor?.left(() => {
        service?.promote();
        void openAgents(config.stop.timeoutMs);
      });
      commands.begin();
    });
  } finally {
    if (config.pidFile !== undefined) removePidFile(config.pidFile);
    signals.abort();
    agents?.close();
    await control.close();
    sockets.close();
    await incidents.close();
  }
}

const beforeMs = ({ before: { command, timeoutMs } }: Config): number => (command.length === 0 ? 0 : timeoutMs);

const surrendered = (failures: number, history: History): OperatorError =>
  new OperatorError(
    `gave up: every worker has failed ${failures} times or more in a row, the last in slot 0: ${history.of(0).lastEnd ?? 'unknown'}; the log has their last words`,
    ExitCode.failed,
  );

const unresolved = (figures: BookFigures): number => figures.new + figures.known + figures.returned;

const ENDING = ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const;

function onSignals(until: AbortSignal, tell: (signal: (typeof ENDING)[number]) => void): void {
  for (const signal of ENDING) onSignal(until, signal, () => tell(signal));
}

function onSignal(until: AbortSignal, signal: NodeJS.Signals, listener: () => void): void {
  process.on(signal, listener);
  until.addEventListener('abort', () => process.removeListener(signal, listener));
}
