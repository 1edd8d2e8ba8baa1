// What a running fleet cannot take up is refused before anything of it is.
import type { Config } from '../config/config.js';
import { ExitCode, OperatorError } from '../config/exit-code.js';

/** @throws {OperatorError} where something has changed that a running fleet cannot take up: then nothing of it is. */
export async function mustRestart(before: Config, after: Config): Promise<void> {
  const { compare } = await import('../config/diff.js');
  const [difference] = compare([before], [after]);
  if (difference?.what !== 'changed' || difference.takes !== 'restart') return;
  const keys = difference.changes.filter(({ takes }) => takes === 'restart').map(({ key }) => key);
  throw new OperatorError(
    `${keys.join(', ')} cannot change while it runs: stop it and start it again, or take the change back`,
    ExitCode.failed,
  );
}
