// `cordon logs`: the recent past at once, and what comes after it.
import type { Command } from 'commander';
import type { Config } from '../config/config.js';
import { type Line, readable } from '../supervisor/readable.js';
import { get, type Supervisor } from './client.js';
import { find, NAME } from './find.js';
import { give, type OrderFlags } from './order.js';
import { type PastFlags, tell } from './past.js';

export const define = (command: Command): void =>
  void command
    .description(
      'Shows recent log lines of a fleet and its workers. The supervisor keeps the last 10,000, or 4 MB; what is older is read from its log file, where it has one (logs.file).',
    )
    .argument('[name]', NAME)
    .option('-f, --follow', 'go on with new lines')
    .option('-n, --lines <number>', 'how many of the recent lines', '100')
    .option('--worker <id>', 'of one worker only')
    .option('--level <level>', 'this severe or worse: trace, debug, info, warn, error or fatal')
    .option('--since <time>', 'not older than this: 10m, 2h, or a date')
    .option('--json', 'JSON Lines')
    .option('--reopen', 'begin log files anew, after logrotate has renamed them')
    .addHelpText(
      'after',
      '\nExamples:\n  $ cordon logs -f\n  $ cordon logs api --worker 3 --level warn --since 10m\n  $ cordon logs --reopen',
    )
    .action(async (name: string | undefined, flags: PastFlags & { readonly reopen?: boolean }) => {
      if (flags.reopen) return void (await reopen(await find(name), flags));
      const supervisor = await find(name);
      const { config } = await get<{ readonly config: Pick<Config, 'logs'> }>(supervisor, '/v1/fleet');
      await tell(supervisor, '/v1/logs', flags, (line) => readable(JSON.parse(line) as Line), config.logs.file);
    });

const reopen = (supervisor: Supervisor, flags: OrderFlags): Promise<unknown> =>
  give(
    supervisor,
    '/v1/logs/reopen',
    {},
    flags,
    ({ files = [] }) => `${supervisor.name} goes on in ${files.join(' and ')}`,
    'the log goes on where it was',
  );
