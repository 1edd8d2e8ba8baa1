// What `logs` and `events` share: the question, and lines as they come.
import { milliseconds } from '../config/duration.js';
import { ExitCode, OperatorError } from '../config/exit-code.js';
import { lines, type Supervisor } from './client.js';

export interface PastFlags {
  readonly follow?: boolean;
  readonly lines?: string;
  readonly since?: string;
  readonly worker?: string;
  readonly level?: string;
  readonly json?: boolean;
}

/** Prints each line as `show` has it. Ends when all is told, or the supervisor is gone. */
export async function tell(
  supervisor: Supervisor,
  path: string,
  flags: PastFlags,
  show: (line: string) => string,
): Promise<void> {
  // Whoever read this is gone.
  process.stdout.on('error', () => process.exit(ExitCode.ok));
  for await (const line of lines(supervisor, `${path}?${query(flags).toString()}`)) {
    const { dropped } = line.startsWith('{"dropped":') ? (JSON.parse(line) as { dropped?: number }) : {};
    if (dropped !== undefined && !flags.json)
      process.stderr.write(`cordon: ${dropped} lines came too fast to be shown\n`);
    else if (!process.stdout.write(`${flags.json ? line : show(line)}\n`))
      await new Promise((resume) => process.stdout.once('drain', resume));
  }
  if (flags.follow) process.stderr.write(`cordon: ${supervisor.name} has stopped\n`);
}

function query({ follow, lines: count, since, worker, level }: PastFlags): URLSearchParams {
  const asked = new URLSearchParams();
  if (follow) asked.set('follow', 'true');
  if (count !== undefined) asked.set('lines', whole('--lines', count));
  if (worker !== undefined) asked.set('worker', whole('--worker', worker.replace(/^#/, '')));
  if (since !== undefined) asked.set('since', String(moment(since)));
  if (level !== undefined) asked.set('level', level);
  return asked;
}

function whole(flag: string, text: string): string {
  if (/^\d{1,9}$/.test(text)) return text;
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
