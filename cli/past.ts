// What `logs` and `events` share: the question, and lines as they come.
import { milliseconds } from '../config/duration.js';
import { ExitCode, OperatorError } from '../config/exit-code.js';
import type { StatusReply } from '../supervisor/control/protocol.js';
import { LEVELS, momentOf } from '../supervisor/logs/fields.js';
import { type Filter, wantedBy } from '../supervisor/logs/wanted.js';
import { get, lines, type Supervisor } from './client.js';

export interface PastFlags {
  readonly follow?: boolean;
  readonly lines?: string;
  readonly since?: string;
  readonly worker?: string;
  readonly level?: string;
  readonly json?: boolean;
}

/** Prints each line as `show` has it. Ends when all is told, or the supervisor is gone. `file` has what it does not remember. */
export async function tell(
  supervisor: Supervisor,
  path: string,
  flags: PastFlags,
  show: (line: string) => string,
  file?: string,
): Promise<void> {
  // Whoever read this is gone.
  process.stdout.on('error', () => process.exit(ExitCode.ok));
  const asked = read(flags);
  const pid = flags.follow ? await pidOf(supervisor) : undefined;
  const stream = lines(supervisor, `${path}?${queryOf(asked, flags, file !== undefined)}`);
  const wanted = file === undefined ? () => true : wantedBy(asked);
  const print = async (line: string): Promise<void> => {
    if (!process.stdout.write(`${flags.json ? line : show(line)}\n`))
      await new Promise((resume) => process.stdout.once('drain', resume));
  };
  if (file !== undefined) for (const line of await past(stream, asked, file)) await print(line);
  const printAll = async (source: AsyncGenerator<string>): Promise<void> => {
    for await (const line of source) {
      const { dropped } = line.startsWith('{"dropped":') ? (JSON.parse(line) as { dropped?: number }) : {};
      if (dropped !== undefined && !flags.json)
        process.stderr.write(`cordon: ${dropped} lines came too fast to be shown\n`);
      else if (dropped !== undefined || wanted(line)) await print(line);
    }
  };
  await printAll(stream);
  if (!flags.follow) return;
  // After an upgrade a successor answers there, which remembers its own lines, from its first.
  const { lines: _, ...filter } = asked;
  for (let last = pid; ; ) {
    const next = await pidOf(supervisor);
    if (next === undefined || next === last) break;
    last = next;
    await printAll(lines(supervisor, `${path}?${queryOf(filter, flags, false)}`));
  }
  process.stderr.write(`cordon: ${supervisor.name} has stopped\n`);
}

const pidOf = (supervisor: Supervisor): Promise<number | undefined> =>
  get<StatusReply>(supervisor, '/v1/status').then(
    ({ pid }) => pid,
    () => undefined,
  );

/** What the supervisor remembers, and before that what the file has, as far as it is asked for. */
async function past(stream: AsyncGenerator<string>, asked: Asked, file: string): Promise<string[]> {
  const remembered: string[] = [];
  for (;;) {
    const { value, done } = await stream.next();
    if (done || value === '{"past":true}') break;
    if (!value.startsWith('{"dropped":')) remembered.push(value);
  }
  const wanted = wantedBy(asked);
  const told = remembered.filter(wanted);
  const { older } = await import('./older.js');
  const before: string[] = [];
  if (told.length < asked.lines)
    for await (const line of older(file, remembered[0])) {
      if (told.length + before.length >= asked.lines || isTooOld(line, asked.since)) break;
      if (isLine(line) && wanted(line)) before.push(line);
    }
  const all = [...before.toReversed(), ...told];
  return all.slice(Math.max(0, all.length - asked.lines));
}

interface Asked extends Filter {
  readonly lines: number;
}

function read({ lines: count = '100', since, worker, level }: PastFlags): Asked {
  const known = LEVELS.find((one) => one === level);
  if (level !== undefined && known === undefined)
    throw new OperatorError(
      `--level: expected one of ${LEVELS.join(', ')}, got ${JSON.stringify(level)}`,
      ExitCode.usage,
    );
  return {
    lines: whole('--lines', count),
    since: since === undefined ? undefined : moment(since),
    worker: worker === undefined ? undefined : whole('--worker', worker.replace(/^#/, '')),
    level: known,
  };
}

/** Where there is a file, the filter is ours: what is remembered must join with what is written. */
function queryOf(
  { lines: count, ...filter }: Filter & Partial<Pick<Asked, 'lines'>>,
  { follow }: PastFlags,
  all: boolean,
): string {
  const query = new URLSearchParams();
  if (follow) query.set('follow', 'true');
  if (all) query.set('mark', 'true');
  else
    for (const [key, value] of Object.entries({ lines: count, ...filter }))
      if (value !== undefined) query.set(key, String(value));
  return query.toString();
}

const isTooOld = (line: string, since: number | undefined): boolean =>
  since !== undefined && isLine(line) && momentOf((JSON.parse(line) as { readonly time?: unknown }).time) < since;

/** A file may hold what others have written into it. */
function isLine(text: string): boolean {
  try {
    return typeof JSON.parse(text) === 'object';
  } catch {
    return false;
  }
}

export function whole(flag: string, text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new OperatorError(`${flag}: expected a whole number, got ${JSON.stringify(text)}`, ExitCode.usage);
}

/** `10m` ago, or a date. */
export function moment(words: string, now = Date.now()): number {
  const ago = milliseconds(words);
  const at = ago === undefined ? Date.parse(words) : now - ago;
  if (Number.isFinite(at)) return Math.max(0, Math.floor(at));
  throw new OperatorError(
    `--since: expected a time such as "10m", or a date such as "2026-11-21T12:00", got ${JSON.stringify(words)}`,
    ExitCode.usage,
  );
}
