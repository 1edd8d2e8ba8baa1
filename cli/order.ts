// What every order has in common: it is given, its progress is shown, and what became of it is said.
import { ExitCode, OperatorError } from '../config/exit-code.js';
import type { OrderOutcome } from '../supervisor/control/protocol.js';
import * as client from './client.js';
import { progressLine } from './progress.js';
import { harmless, plural } from './words.js';

export interface OrderFlags {
  readonly json?: boolean;
}

/** `tell` puts what happened into a sentence. Sets the exit code. */
export async function give(
  supervisor: client.Supervisor,
  path: string,
  body: unknown,
  { json = false }: OrderFlags,
  tell: (outcome: OrderOutcome) => string,
  failed = 'nothing was changed',
): Promise<OrderOutcome> {
  const progress = progressLine();
  let outcome: OrderOutcome | undefined;
  try {
    outcome = await client.order(supervisor, path, body, (text) => progress.show(`${supervisor.name}: ${text}`));
  } finally {
    progress.end();
  }
  if (!outcome)
    throw new OperatorError(`${supervisor.name} ended before it could say what became of it.`, ExitCode.unavailable);
  if (json) process.stdout.write(`${JSON.stringify({ version: 1, ...outcome, type: undefined })}\n`);
  else if (outcome.ok) process.stdout.write(`${tell(outcome)}\n`);
  if (!outcome.ok) {
    process.exitCode = outcome.exitCode ?? ExitCode.failed;
    if (!json) fail(supervisor, outcome, failed);
  }
  return outcome;
}

function fail(
  { name }: client.Supervisor,
  { why = 'it failed', became, lastWords = [] }: OrderOutcome,
  failed: string,
): void {
  const what = became === undefined ? failed : became === 'goes-on' ? 'not done yet' : 'it was not done';
  const words = lastWords.map((line) => `\n  ${harmless(line)}`).join('');
  process.stderr.write(`cordon: ${name}: ${what}: ${why}${words}\n`);
}

/** What was lost, where anything was. */
export function cutWords(cut: OrderOutcome['cut'] = []): string {
  if (cut.length === 0) return 'nothing was left open';
  const names = cut.slice(0, 5).map(({ method, path }) => harmless(`${method} ${path}`));
  const more = cut.length > names.length ? ` and ${cut.length - names.length} more` : '';
  return `${plural(cut.length, 'request')} out of time: ${names.join(', ')}${more}`;
}
