// `cordon diff`: what a reload would do, or what it takes to get from one configuration to another, key by key. It changes nothing.
import { resolve } from 'node:path';
import { type AppDifference, type Change, compare } from '../config/diff.js';
import { ExitCode, OperatorError } from '../config/exit-code.js';
import type { DiffReply } from '../supervisor/control/protocol.js';
import { loadHere, print } from './check.js';
import { post } from './client.js';
import { findWhole } from './find.js';

export interface DiffFlags {
  readonly mode?: string;
  readonly json?: boolean;
}

/** With two files, from the one to the other; else from what runs to a file, or to its own as it is now. */
export async function diff(
  file: string | undefined,
  after: string | undefined,
  { mode, json = false }: DiffFlags,
): Promise<ExitCode> {
  const apps = await (after === undefined || file === undefined ? fromRunning(file, mode) : between(file, after, mode));
  if (json) print({ version: 1, apps });
  else process.stdout.write(`${apps.flatMap(linesOf).join('\n') || 'no difference'}\n`);
  return ExitCode.ok;
}

async function between(before: string, after: string, mode: string | undefined): Promise<readonly AppDifference[]> {
  const [from, to] = [await loadHere(before, mode), await loadHere(after, mode)];
  return compare(from.apps, to.apps);
}

/** The supervisor compares by itself: with its own flags and environment, and no secret leaves it. */
async function fromRunning(file: string | undefined, mode: string | undefined): Promise<readonly AppDifference[]> {
  if (mode !== undefined)
    throw new OperatorError(
      '--mode: a running fleet has a mode of its own; give two files to compare them in another one',
      ExitCode.usage,
    );
  const { supervisor } = await findWhole(undefined).catch((error: unknown) => {
    if (!(error instanceof OperatorError) || error.exitCode !== ExitCode.unavailable) throw error;
    throw new OperatorError(
      'no supervisor of this user runs that could be compared with. Give two files: `cordon diff before.yaml after.yaml`.',
      ExitCode.unavailable,
    );
  });
  const { apps } = await post<DiffReply>(supervisor, '/v1/diff', file === undefined ? {} : { file: resolve(file) });
  return apps;
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
