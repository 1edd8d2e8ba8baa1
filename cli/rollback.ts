// `cordon rollback`
import type { Command } from 'commander';
import { find, NAME } from './find.js';
import { give, type OrderFlags } from './order.js';
import { harmless, seconds } from './words.js';

export const define = (command: Command): void =>
  void command
    .description(
      'Goes back to what ran before: the script and the working directory as its links led then, its arguments and its variables. The workers are replaced a few at a time, as by a reload. A reload under way is called off.',
    )
    .argument('[name]', NAME)
    .option('--json', 'print what happened as JSON')
    .addHelpText(
      'after',
      '\nExample:\n  $ cordon rollback api\n\nExit codes: 0 the generation before serves again, 1 it does not.',
    )
    .action(async (name: string | undefined, flags: OrderFlags) => {
      const supervisor = await find(name);
      await give(
        supervisor,
        '/v1/rollback',
        {},
        flags,
        ({ generation, of, script = '', tookMs }) =>
          generation === of
            ? `${supervisor.name} serves generation ${of} (${harmless(script)}) and called the reload off (${seconds(tookMs)})`
            : `${supervisor.name} serves what generation ${of} ran (${harmless(script)}) as generation ${generation} (${seconds(tookMs)})`,
        'it was not rolled back, and serves on as before',
      );
    });
