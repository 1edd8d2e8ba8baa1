// `cordon upgrade`
import type { Command } from 'commander';
import { findWhole, NAME } from './find.js';
import { give, type OrderFlags } from './order.js';
import { seconds } from './words.js';

export const define = (command: Command): void =>
  void command
    .description(
      'Replaces the supervisor itself: the cordon and the Node that are installed now take over its sockets, and no connection is refused. Where they do not come up, the old ones go on. Its workers run what the configuration and the path of the script lead to now, all at once: reload first to have a release watched. With several apps it is the supervisor of all, whichever is named.',
    )
    .argument('[name]', NAME)
    .option('--json', 'print what happened as JSON')
    .addHelpText('after', '\nExample:\n  $ npm install -g cordon && cordon upgrade api')
    .action(async (name: string | undefined, flags: OrderFlags) => {
      const { supervisor, isAll } = await findWhole(name);
      await give(
        supervisor,
        '/v1/upgrade',
        {},
        flags,
        ({ pid, cordon, node, tookMs }) =>
          `${isAll ? 'every app' : supervisor.name} runs in cordon ${cordon}, Node ${node}, pid ${pid} (${seconds(tookMs)})`,
      );
    });
