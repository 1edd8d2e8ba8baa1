// `cordon stop`: returns when the supervisor is gone.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { StatusReply } from '../supervisor/control/protocol.js';
import { get } from './client.js';
import { findWhole, NAME } from './find.js';
import { cutWords, give, type OrderFlags } from './order.js';
import { plural, seconds } from './words.js';

const GONE_MS = 5_000;

export const define = (command: Command): void =>
  void command
    .description(
      'Stops a fleet: what is open is finished first, for as long as stop.timeout says. Without a name, all apps of the one supervisor that runs; those that come after others stop first.',
    )
    .argument('[name]', NAME)
    .option('--now', 'wait for nobody')
    .option('--json', 'print what happened as JSON')
    .addHelpText('after', '\nExamples:\n  $ cordon stop\n  $ cordon stop api --now')
    .action(async (name: string | undefined, flags: OrderFlags & { readonly now?: boolean }) => {
      const { supervisor, isAll } = await findWhole(name);
      const { pid, workers, beside = [] } = await get<StatusReply>(supervisor, '/v1/status');
      const { now = false } = flags;
      await give(
        supervisor,
        '/v1/stop',
        isAll ? { now, all: true } : { now },
        flags,
        ({ tookMs, cut }) =>
          `${isAll ? [supervisor.name, ...beside].join(', ') : supervisor.name} ${isAll ? 'have' : 'has'} stopped: ${isAll ? '' : `${plural(workers.length, 'worker')}, `}${seconds(tookMs)}, ${now ? 'nobody was waited for' : cutWords(cut)}`,
      );
      // The others go on in the same process.
      if (isAll || beside.length === 0) await gone(pid);
    });

async function gone(pid: number): Promise<void> {
  for (const until = performance.now() + GONE_MS; performance.now() < until; await sleep(10))
    try {
      process.kill(pid, 0);
    } catch {
      return;
    }
}
