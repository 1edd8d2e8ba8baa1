// `cordon errors`: the book of incidents.
import type { Command } from 'commander';
import { ExitCode, OperatorError } from '../config/exit-code.js';
import type { ErrorReply, ErrorsReply } from '../supervisor/control/protocol.js';
import type { IncidentSummary } from '../supervisor/incidents/incidents.js';
import { bars } from './bars.js';
import { get, post } from './client.js';
import { find } from './find.js';
import { incidentLines } from './incident.js';
import { moment, whole } from './past.js';
import { type Column, table } from './table.js';
import { widthOf } from './view.js';
import { age, harmless, number } from './words.js';

interface Flags {
  readonly json?: boolean;
  readonly since?: string;
  readonly lines?: string;
}

/** A terminal's fill, and more: who wants them all says so. */
const SHOWN = '100';

export const define = (command: Command): void =>
  void command
    .description(
      'Lists the errors that nobody caught, and those that programs have reported, like ones together, the latest first.',
    )
    .argument('[words...]', 'the fleet; before it, `show <id>` or `resolve <id>` for one incident')
    .usage('[options] [show <id> | resolve <id>] [name]')
    .option('-n, --lines <number>', `how many of the latest (default: ${SHOWN}; with --json all)`)
    .option('--since <time>', 'seen since: 10m, 2h, or a date')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nExamples:\n  $ cordon errors\n  $ cordon errors show 3f2a\n  $ cordon errors resolve 3f2a api',
    )
    .action(async (words: readonly string[], flags: Flags) => {
      const [verb, id, name] = words;
      if (verb === 'show' || verb === 'resolve') {
        if (id === undefined)
          throw new OperatorError(`expected the id of an incident: \`cordon errors ${verb} <id>\``, ExitCode.usage);
        return verb === 'show' ? show(id, name, flags) : resolve(id, name, flags);
      }
      if (words.length > 1)
        throw new OperatorError(
          `expected one fleet, or show <id> or resolve <id>, got ${JSON.stringify(words.join(' '))}`,
          ExitCode.usage,
        );
      await list(verb, flags);
    });

async function list(
  name: string | undefined,
  { json = false, since, lines: count = json ? undefined : SHOWN }: Flags,
): Promise<void> {
  const query = new URLSearchParams();
  if (count !== undefined) query.set('lines', String(whole('--lines', count)));
  if (since !== undefined) query.set('since', String(moment(since)));
  const reply = await get<ErrorsReply>(await find(name), `/v1/errors?${query.toString()}`);
  const now = Date.now();
  const lines = json
    ? [JSON.stringify(reply)]
    : reply.incidents.length === 0 && !reply.more
      ? [`${reply.name}: no errors${since === undefined ? '' : ' in this time'}`]
      : table(reply.incidents, columns(now), widthOf(process.stdout));
  process.stdout.write(`${lines.join('\n')}\n`);
  if (reply.more && !json) process.stderr.write(`cordon: ${reply.more} more; --lines says how many are shown\n`);
}

const columns = (now: number): Column<IncidentSummary>[] => [
  { title: 'ID', cell: ({ id }) => id },
  { title: 'COUNT', cell: ({ count }) => number(count), align: 'right' },
  { title: 'STATE', cell: ({ state }) => state },
  { title: 'FIRST', cell: ({ firstSeen }) => age(now - Date.parse(firstSeen)), align: 'right', spare: 2 },
  { title: 'LAST', cell: ({ lastSeen }) => age(now - Date.parse(lastSeen)), align: 'right' },
  { title: 'GEN', cell: ({ releases }) => generations(releases), align: 'right', spare: 3 },
  { title: 'LAST 24 H', cell: ({ trend }) => bars(trend, 1), spare: 1 },
  {
    title: 'ERROR',
    least: 24,
    cell: ({ name, message }) => harmless(`${name}: ${message.split('\n', 1)[0]}`),
    cut: true,
  },
];

/** `1-4`, `4`: those in which it was met. */
function generations(releases: IncidentSummary['releases']): string {
  const all = releases.map(({ generation }) => generation);
  const [first, last] = [Math.min(...all), Math.max(...all)];
  return all.length === 0 ? '' : first === last ? String(first) : `${first}-${last}`;
}

async function show(id: string, name: string | undefined, { json = false }: Flags): Promise<void> {
  const supervisor = await find(name);
  const incident = await get<ErrorReply>(supervisor, `/v1/errors/${encodeURIComponent(id)}`);
  process.stdout.write(json ? `${JSON.stringify(incident)}\n` : `${incidentLines(incident).join('\n')}\n`);
}

async function resolve(id: string, name: string | undefined, { json = false }: Flags): Promise<void> {
  const reply = await post(await find(name), `/v1/errors/${encodeURIComponent(id)}/resolve`);
  process.stdout.write(
    json ? `${JSON.stringify(reply)}\n` : `incident ${id} is resolved; it is told again when it returns\n`,
  );
}
