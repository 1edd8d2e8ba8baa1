// `cordon reload`: exit code 0 only when the new generation serves.
import type { Command } from 'commander';
import { milliseconds } from '../config/duration.js';
import { ExitCode, OperatorError } from '../config/exit-code.js';
import { MAX_BODY, type OrderOutcome } from '../supervisor/control/protocol.js';
import { begin, type Supervisor } from './client.js';
import { findWhole, NAME } from './find.js';
import { give, type OrderFlags } from './order.js';
import { seconds } from './words.js';

interface Flags extends OrderFlags {
  readonly canary?: boolean;
  readonly bake?: string;
  readonly wait: boolean;
  readonly envUpdate?: boolean;
}

export const define = (command: Command): void =>
  void command
    .description(
      'Reads the configuration again and replaces the workers, a few at a time. A successor is ready before the worker that it replaces drains. Where the new generation fails, the old one goes on.',
    )
    .argument('[name]', NAME)
    .option('--canary', 'one worker first, watched for a while')
    .option('--bake <time>', 'how long it is watched, such as 30s; means --canary')
    .option('--env-update', 'the environment of this terminal replaces the one that the fleet has')
    .option('--no-wait', 'return as soon as the order is given')
    .option('--json', 'print what happened as JSON')
    .addHelpText(
      'after',
      '\nWithout a name, all apps of the one supervisor that runs: those that are new\nstart, those that are gone leave, those that have changed reload; where nothing\nhas, all do.\n\nExamples:\n  $ cordon reload\n  $ cordon reload api --bake 30s\n  $ DATABASE_URL=... cordon reload --env-update\n\nExit codes: 0 the new generation serves, 1 it does not, 78 bad configuration.',
    )
    .action(async (name: string | undefined, flags: Flags) => {
      const ask = {
        ...(flags.canary && { canary: true }),
        ...(flags.bake !== undefined && { bakeMs: time(flags.bake) }),
        ...(flags.envUpdate && { env: environment() }),
      };
      const { supervisor, isAll } = await findWhole(name);
      if (isAll) return reloadAll(supervisor, { ...ask, all: true }, flags);
      if (!flags.wait) {
        await begin(supervisor, '/v1/reload', ask);
        process.stdout.write(`${supervisor.name} reloads; \`cordon events -f\` tells how it goes\n`);
        return;
      }
      await give(
        supervisor,
        '/v1/reload',
        ask,
        flags,
        ({ generation, tookMs, apps }) =>
          apps ? told(apps) : `${supervisor.name} serves generation ${generation} (${seconds(tookMs)})`,
        'it was not reloaded, and serves on as before',
      );
    });

async function reloadAll(supervisor: Supervisor, ask: object, flags: Flags): Promise<void> {
  const all = { ...supervisor, name: 'all apps' };
  if (!flags.wait) {
    await begin(all, '/v1/reload', ask);
    process.stdout.write('all apps reload; `cordon events <app> -f` tells how it goes\n');
    return;
  }
  await give(all, '/v1/reload', ask, flags, ({ apps = [] }) => told(apps), 'not everything was brought in');
}

const told = (apps: NonNullable<OrderOutcome['apps']>): string =>
  apps.map(({ app, what }) => `${app} ${what}`).join('\n') || 'nothing has changed';

function environment(): NodeJS.ProcessEnv {
  const bytes = Buffer.byteLength(JSON.stringify(process.env));
  if (bytes < MAX_BODY - 1024) return process.env;
  throw new OperatorError(
    `--env-update: expected an environment of at most ${MAX_BODY - 1024} bytes, got ${bytes}. Put large values into files, and name them in the configuration.`,
    ExitCode.usage,
  );
}

function time(words: string): number {
  const ms = milliseconds(words);
  if (ms !== undefined) return ms;
  throw new OperatorError(
    `--bake: expected a time with its unit, such as "30s", got ${JSON.stringify(words)}`,
    ExitCode.usage,
  );
}
