// `cordon status`: fleets and their workers. Its exit code tells scripts how they are, as LSB has it.
import type { Command } from 'commander';
import { ExitCode, OperatorError } from '../config/exit-code.js';
import type { StatusReply } from '../supervisor/control/protocol.js';
import { get, type Supervisor } from './client.js';
import { complain } from './complain.js';
import { find, NAME, running, start } from './find.js';
import { fleetLines, isHealthy, widthOf } from './view.js';

/** What LSB says for "not running". */
const NOT_RUNNING = 3;

export const define = (command: Command): void =>
  void command
    .description('Shows fleets and their workers.')
    .argument('[name]', NAME)
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      `
Examples:
  $ cordon status
  $ cordon status api --json

Exit codes: 0 healthy, 1 degraded, stopping or with no worker that serves, 3 not
running.`,
    )
    .action(async (name: string | undefined, { json = false }: { readonly json?: boolean }) => {
      const fleets = await Promise.all((await those(name)).map((one) => get<StatusReply>(one, '/v1/status')));
      if (json) {
        const [only] = fleets.length === 1 ? fleets : [];
        process.stdout.write(`${JSON.stringify({ version: 1, ...only, fleets })}\n`);
      } else for (const text of shown(fleets)) process.stdout.write(`${text}\n`);
      if (fleets.length === 0) process.exitCode = NOT_RUNNING;
      else if (!fleets.every(isHealthy)) process.exitCode = ExitCode.failed;
    });

async function those(name: string | undefined): Promise<Supervisor[]> {
  try {
    if (name !== undefined) return [await find(name)];
    const all = await running();
    if (all.length === 0) process.stderr.write(`cordon: no supervisor of this user runs. ${start}\n`);
    return all;
  } catch (error) {
    if (!(error instanceof OperatorError) || error.exitCode !== ExitCode.unavailable) throw error;
    complain(error, '');
    return [];
  }
}

const shown = (fleets: readonly StatusReply[]): string[] =>
  fleets.flatMap((fleet, i) => [...(i === 0 ? [] : ['']), ...fleetLines(fleet, widthOf(process.stdout))]);
