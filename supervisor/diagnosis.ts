// Whether a first start is hopeless: the program does not parse, or its address is taken. Anything else may pass (a database that
// comes up later), and is tried again for as long as it takes.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ExitCode, OperatorError } from '../config/exit-code.js';
import { gist } from './last-words.js';

/** Node heads an error of parsing with the place: `file:///srv/app.mjs:3` or `/srv/app.js:3`. */
export function syntaxError(lines: readonly string[]): OperatorError | undefined {
  const error = gist(lines);
  if (error === undefined || !error.startsWith('SyntaxError')) return undefined;
  for (const line of lines) {
    const [, place = '', at] = /^(\S+):(\d+)$/.exec(line) ?? [];
    if (at === undefined) continue;
    const file = place.startsWith('file:') ? fileURLToPath(place) : place;
    if (file.startsWith('/') && existsSync(file))
      return new OperatorError(
        `cannot start: ${file}:${at} does not parse: ${error}. Mend the file and start again.`,
        ExitCode.failed,
      );
  }
  return undefined;
}
