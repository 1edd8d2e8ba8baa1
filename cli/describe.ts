// `cordon describe`: everything about one thing.
import type { Command } from 'commander';
import { ExitCode } from '../config/exit-code.js';
import type { WorkerDocument } from '../supervisor/control/protocol.js';
import { get } from './client.js';
import { find, NAME, workerIn } from './find.js';
import { age, harmless, percent, size } from './words.js';

export const define = (command: Command): void =>
  void command
    .description(
      'Tells everything about a fleet, with its configuration, or about one worker. Values of the environment are not shown.',
    )
    .argument('[what...]', `${NAME}; or the id of a worker`)
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExamples:\n  $ cordon describe api\n  $ cordon describe 3')
    .action(async (words: readonly string[], { json = false }: { readonly json?: boolean }) => {
      const worker = workerIn(words);
      const supervisor = await find(worker ? worker.name : words[0]);
      const path = worker ? `/v1/workers/${worker.id}` : '/v1/fleet';
      const document = await get<Record<string, unknown>>(supervisor, path);
      const lines = json ? [JSON.stringify(document)] : rows(document, 0);
      process.stdout.write(`${lines.join('\n')}\n`);
      process.exitCode = ExitCode.ok;
    });

const WIDE = 14;

/** A tree of facts, one to a line. */
function rows(facts: object, depth: number): string[] {
  return Object.entries(facts)
    .filter(([key]) => key !== 'version')
    .flatMap(([key, value]) => {
      const title = `${'  '.repeat(depth)}${key}`;
      if (Array.isArray(value) && value.every((one) => typeof one !== 'object'))
        return value.length === 0 ? [] : [`${title.padEnd(WIDE)}  ${harmless(value.join(' '))}`];
      if (typeof value === 'object' && value !== null)
        return Object.keys(value).length === 0 ? [] : [title, ...rows(value as object, depth + 1)];
      return [`${title.padEnd(WIDE)}  ${inWords(key, value)}`];
    });
}

function inWords(key: string, value: unknown): string {
  if (typeof value !== 'number') return harmless(String(value));
  if (key === 'mode') return `0${value.toString(8)}`;
  if (key === 'since') return new Date(value).toISOString();
  if (key === 'uptimeMs') return age(value);
  if (key.endsWith('Bytes')) return size(value);
  return key === ('cpu' satisfies keyof WorkerDocument) || key === 'utilisation' ? percent(value) : String(value);
}
