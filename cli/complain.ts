// How a command that failed says so: one sentence for each thing the operator can mend, and a stack only for a bug of ours.
import { styleText } from 'node:util';
import { ExitCode, OperatorError } from '../config/exit-code.js';
import { leadsToJournal, prioritized } from '../supervisor/systemd/journal.js';

export function complain(error: unknown, version: string): void {
  if (error instanceof OperatorError) return say(error.message, 'error');
  say(
    `this is a bug in cordon, not in your server; please report it with what follows (cordon ${version}, node ${process.version}, ${process.platform})`,
    'fatal',
  );
  tell(error instanceof Error ? (error.stack ?? error.message) : String(error), 'fatal');
}

export const outcomeOf = (error: unknown): ExitCode =>
  error instanceof OperatorError ? error.exitCode : ExitCode.internal;

/** Each line says by itself who speaks, as lines of several programs meet in one journal. */
export function say(sentences: string, level: Level = 'info'): void {
  const who = styleText('red', 'cordon:', { stream: process.stderr });
  tell(sentences.replace(/^/gm, `${who} `), level);
}

type Level = 'info' | 'warn' | 'error' | 'fatal';

/** Why a service does not start is found by `journalctl -p err`, too. */
function tell(text: string, level: Level): void {
  process.stderr.write(`${leadsToJournal(2, process.env) ? prioritized(level, text) : text}\n`);
}

/** Whoever read our output is gone; that is no reason to end a fleet. */
export const isBrokenPipe = (error: unknown): boolean => (error as NodeJS.ErrnoException | undefined)?.code === 'EPIPE';
