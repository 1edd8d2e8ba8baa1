// `cordon maint`
import type { Command } from 'commander';
import { ExitCode, OperatorError } from '../config/exit-code.js';
import { find } from './find.js';
import { give, type OrderFlags } from './order.js';

export const define = (command: Command): void =>
  void command
    .description(
      "Tells load balancers and registries to send nobody here, or that this is over: HAProxy's agent hears maint, /readyz says 503, the registry forgets this instance. Workers serve on. It holds through reloads and upgrades, until it is switched off or the fleet stops.",
    )
    .argument('<words...>', 'the fleet, which may be left out where only one runs; then on or off')
    .usage('[options] [name] <on or off>')
    .option('--json', 'print what happened as JSON')
    .addHelpText('after', '\nExamples:\n  $ cordon maint on\n  $ cordon maint api off')
    .action(async (words: readonly string[], flags: OrderFlags) => {
      const last = words.at(-1) ?? '';
      if ((last !== 'on' && last !== 'off') || words.length > 2)
        throw new OperatorError(`expected on or off, got ${JSON.stringify(words.join(' '))}`, ExitCode.usage);
      const supervisor = await find(words.length > 1 ? words[0] : undefined);
      const on = last === 'on';
      await give(supervisor, '/v1/maintenance', { on }, flags, () =>
        on
          ? `${supervisor.name} is in maintenance: no new requests are asked for, those that come are served`
          : `${supervisor.name} is out of maintenance`,
      );
    });
