// Whether a first start is hopeless: the program does not parse, or its address is taken. Anything else may pass (a database that
// comes up later), and is tried again for as long as it takes.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ExitCode, OperatorError } from '../config/exit-code.js';

/** Between the place and the frames: the source line, a caret, and a message that may have lines of its own. */
const MAX_LINES_BETWEEN = 20;

/**
 * Node heads an error of parsing with the place (`file:///srv/app.mjs:3`, `/srv/app.js:3`), and its first frame is one of Node's
 * loader. Where that frame is another (`JSON.parse`, `new RegExp`, the program's own `throw`), the program itself is in order.
 */
export function syntaxError(lines: readonly string[]): OperatorError | undefined {
  for (const [index, line] of lines.entries()) {
    const [, place = '', at] = /^(\S.*):(\d+)$/.exec(line) ?? [];
    if (at === undefined) continue;
    const said = lines.slice(index + 1, index + MAX_LINES_BETWEEN);
    const error = said.find((text) => text.startsWith('SyntaxError'));
    const frame = said.find((text) => /^\s+at /.test(text));
    const file = pathOf(place);
    if (error !== undefined && frame?.includes('(node:internal/') && file !== undefined)
      return new OperatorError(
        `cannot start: ${file}:${at} does not parse: ${error}. Mend the file and start again.`,
        ExitCode.failed,
      );
  }
  return undefined;
}

/** The file that a line names, if it is one: what is read here may be anything that a program prints. */
function pathOf(place: string): string | undefined {
  try {
    const file = place.startsWith('file:') ? fileURLToPath(place) : place;
    return file.startsWith('/') && existsSync(file) ? file : undefined;
  } catch {
    return undefined;
  }
}
