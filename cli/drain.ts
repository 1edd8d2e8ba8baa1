// `cordon drain`
import type { Command } from 'commander';
import { find, theWorker } from './find.js';
import { cutWords, give, type OrderFlags } from './order.js';
import { seconds } from './words.js';

export const define = (command: Command): void =>
  void command
    .description(
      'Replaces one worker: its successor is ready before it drains. `cordon status` shows the ids of workers.',
    )
    .argument('<worker...>', 'the id of a worker, such as 3, or api 3 where several fleets run')
    .option('--json', 'print what happened as JSON')
    .addHelpText('after', '\nExamples:\n  $ cordon drain 3\n  $ cordon drain api 3')
    .action(async (words: readonly string[], flags: OrderFlags) => {
      const worker = theWorker(words);
      await give(
        await find(worker.name),
        `/v1/workers/${worker.id}/drain`,
        {},
        flags,
        ({ tookMs, cut }) => `worker ${worker.id} is gone (${seconds(tookMs)}), ${cutWords(cut)}`,
      );
    });
