// `cordon events`: what the supervisor did and why.
import { styleText } from 'node:util';
import type { Command } from 'commander';
import { find, NAME } from './find.js';
import { type PastFlags, tell } from './past.js';
import { harmless } from './words.js';

interface EventLine {
  readonly time: string;
  readonly level: string;
  readonly event: string;
  readonly msg: string;
}

export const define = (command: Command): void =>
  void command
    .description('Tells what the supervisor did and why. It keeps the last 2,000 events.')
    .argument('[name]', NAME)
    .option('-f, --follow', 'go on with new events')
    .option('-n, --lines <number>', 'how many of the recent events', '100')
    .option('--worker <id>', 'of one worker only')
    .option('--since <time>', 'not older than this: 10m, 2h, or a date')
    .option('--json', 'JSON Lines')
    .addHelpText('after', '\nExamples:\n  $ cordon events -f\n  $ cordon events api --since 1h --json')
    .action(async (name: string | undefined, flags: PastFlags) => {
      await tell(await find(name), '/v1/events', flags, (line) => sentence(JSON.parse(line) as EventLine));
    });

function sentence({ time, level, event, msg }: EventLine): string {
  const at = new Date(time).toTimeString().slice(0, 8);
  const colour = level === 'error' ? 'red' : level === 'warn' ? 'yellow' : 'green';
  return `${styleText('dim', at)} ${styleText(colour, event.padEnd(9))} ${harmless(msg)}`;
}
