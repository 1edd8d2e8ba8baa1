// What Node has written beside a worker that is about to die, as it says on stderr: a snapshot of a heap that is nearly full, a report
// of a fatal error. Nobody removes them, so somebody has to be told where they are.
import type { ErrorReport } from '../worker/protocol.js';

const kinds = [
  [/^Wrote snapshot to (\S.*)$/, 'HeapNearLimit', 'a snapshot of the heap'],
  [/^Writing Node\.js report to file: (\S.*)$/, 'FatalError', "Node's report of a fatal error"],
] as const;

/** An incident of its own kind, with the file in its context. */
export function leftBehind(line: string): ErrorReport | undefined {
  for (const [form, name, what] of kinds) {
    const [, file] = form.exec(line) ?? [];
    if (file === undefined) continue;
    return {
      name,
      message: `${what} was written: ${file}`,
      causes: [],
      origin: 'fatal',
      context: JSON.stringify({ file }),
    };
  }
  return undefined;
}
