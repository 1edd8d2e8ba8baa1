// `cordon restart`
import type { Command } from 'commander';
import { find, NAME } from './find.js';
import { give, type OrderFlags } from './order.js';
import { seconds } from './words.js';

export const define = (command: Command): void =>
  void command
    .description(
      'Replaces every worker at once. The sockets stay open: clients wait for the new workers. `cordon reload` makes nobody wait.',
    )
    .argument('[name]', NAME)
    .option('--json', 'print what happened as JSON')
    .addHelpText('after', '\nExample:\n  $ cordon restart api')
    .action(async (name: string | undefined, flags: OrderFlags) => {
      const supervisor = await find(name);
      await give(
        supervisor,
        '/v1/restart',
        {},
        flags,
        ({ tookMs }) => `${supervisor.name} has restarted (${seconds(tookMs)})`,
      );
    });
