// `cordon diff`: what it would take to get from one configuration to another, key by key. It changes nothing.
import { type AppDifference, type Change, compare } from '../config/diff.js';
import { ExitCode } from '../config/exit-code.js';
import { loadHere, print } from './check.js';

export interface DiffFlags {
  readonly mode?: string;
  readonly json?: boolean;
}

/** Without `after`, `before` is compared with the configuration of this folder. */
export async function diff(
  before: string,
  after: string | undefined,
  { mode, json = false }: DiffFlags,
): Promise<ExitCode> {
  const [from, to] = [await loadHere(before, mode), await loadHere(after, mode)];
  const apps = compare(from.apps, to.apps);
  if (json) print({ version: 1, apps });
  else process.stdout.write(`${apps.flatMap(linesOf).join('\n') || 'no difference'}\n`);
  return ExitCode.ok;
}

function linesOf(difference: AppDifference): string[] {
  const { app } = difference;
  if (difference.what === 'changed')
    return [`${app}: ${outcomes[difference.takes]}`, ...difference.changes.map(lineOf)];
  if (difference.what === 'same') return [];
  return [
    `${app}: ${difference.what === 'added' ? 'added, would be started' : 'removed, would be drained and stopped'}`,
  ];
}

const outcomes = {
  live: 'would change at once, no worker is replaced',
  reload: 'would be reloaded, worker by worker',
  restart: 'must be stopped and started again',
};

const lineOf = ({ key, takes, what, from, to }: Change): string =>
  `  ${takes.padEnd(8)} ${key.padEnd(26)} ${from === undefined ? what : `${from} → ${to}`}`;
