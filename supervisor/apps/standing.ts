// What systemd is to know of all apps, as if they were one.
import type { Config } from '../../config/config.js';
import type { OperatorError } from '../../config/exit-code.js';
import { nextDeadline } from '../decide.js';
import type { BookFigures } from '../incidents/incidents.js';
import { GRACE_MS, policyOf } from '../policy.js';
import { quorumOf, serving } from '../standing.js';
import { emptyFleet, type Fleet } from '../state.js';
import type { Service } from '../systemd/service.js';
import type { Apps } from './apps.js';

export function standingOf(apps: Apps, log: { warn(text: string): void }): Parameters<Service['begin']>[0] {
  const configs = () => apps.runs.map(({ commands }) => commands.config);
  const longest = (of: (config: ReturnType<typeof configs>[number]) => number): number =>
    Math.max(0, ...configs().map(of));
  return {
    log,
    fleet: () =>
      together(
        apps.runs.map(({ fleet }) => fleet),
        apps.isEnding,
      ),
    apps: () => apps.runs.length,
    bootMs: () => longest(bootMs) + GRACE_MS,
    stopMs: () => longest(({ stop }) => stop.delayMs + stop.timeoutMs) + 2 * GRACE_MS,
    overdueMs: () =>
      Math.max(
        0,
        ...apps.runs.map((run) => run.now() - (nextDeadline(run.fleet, policyOf(run.commands.config)) ?? Infinity)),
      ),
    quorum: () =>
      sum(apps, ({ fleet, commands }) => enough(serving(fleet), quorumOf(commands.config.ready.quorum, fleet.size))),
    maintenance: () => apps.runs.length > 0 && apps.runs.every(({ standing }) => standing.maintenance),
    incidents: () => sum(apps, ({ premises }) => unresolved(premises.incidents.figures)),
    unserved: () => apps.runs.flatMap(({ premises }) => premises.sockets.unserved),
    leaving: () => apps.runs.some(({ isLeaving }) => isLeaving),
    give: (up: OperatorError) => {
      for (const run of apps.runs) run.giveUp(up);
    },
  };
}

/** From nothing to the first worker that is ready. */
const bootMs = ({ before, ready }: Pick<Config, 'before' | 'ready'>): number =>
  ready.timeoutMs + (before.command.length === 0 ? 0 : before.timeoutMs);

/** With several, the first that is otherwise speaks for all: one that reloads, one that is degraded. */
export function together(fleets: readonly Fleet[], isEnding: boolean): Fleet {
  const [first = { ...emptyFleet(0), goal: 'done' }, another] = fleets;
  if (another === undefined) return first;
  return {
    ...first,
    goal: isEnding ? 'stop' : 'serve',
    size: fleets.reduce((all, { size }) => all + size, 0),
    slots: fleets.flatMap(({ slots }) => slots),
    workers: fleets.flatMap(({ workers }) => workers),
    degraded: fleets.some(({ degraded }) => degraded),
    reload: fleets.find(({ reload }) => reload)?.reload,
  };
}

const sum = ({ runs }: Apps, of: (run: Apps['runs'][number]) => number): number =>
  runs.reduce((all, run) => all + of(run), 0);

/** Who has more than is needed makes up for nobody else. */
const enough = (those: number, needed: number): number => Math.max(those, needed);

const unresolved = (figures: BookFigures): number => figures.new + figures.known + figures.returned;
