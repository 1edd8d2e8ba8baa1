// `cordon scale`
import type { Command } from 'commander';
import { ExitCode, OperatorError } from '../config/exit-code.js';
import { find } from './find.js';
import { give, type OrderFlags } from './order.js';
import { plural, seconds } from './words.js';

export const define = (command: Command): void =>
  void command
    .description('Runs more or fewer workers, until the next start. Those that go finish what they have.')
    .argument(
      '<words...>',
      'the fleet, which may be left out where only one runs; then a number, or a change such as +2 or -1',
    )
    .usage('[options] [name] <n, +n or -n>')
    .option('--json', 'print what happened as JSON')
    .addHelpText('after', '\nExamples:\n  $ cordon scale api 4\n  $ cordon scale +2')
    .action(async (words: readonly string[], flags: OrderFlags) => {
      const workers = words.at(-1) ?? '';
      const name = words.length > 1 ? words[0] : undefined;
      const [, sign, digits] = /^([+-]?)(\d{1,4})$/.exec(workers) ?? [];
      if (digits === undefined)
        throw new OperatorError(
          `expected a number of workers, or a change such as +2 or -1, got ${JSON.stringify(workers)}`,
          ExitCode.usage,
        );
      const count = Number(digits);
      const supervisor = await find(name);
      await give(
        supervisor,
        '/v1/scale',
        sign === '' ? { to: count } : { by: sign === '-' ? -count : count },
        flags,
        ({ from = 0, to = 0, tookMs }) =>
          from === to
            ? `${supervisor.name} has ${plural(to, 'worker')} already`
            : `${supervisor.name} has ${plural(to, 'worker')}, ${from} before (${seconds(tookMs)})`,
      );
    });
