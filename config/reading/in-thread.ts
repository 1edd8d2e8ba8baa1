// Runs in a worker thread of the reading process: whatever a configuration does (throw, loop, exit, never settle) is done in
// here, and what it imports is read anew the next time. Each form of file is loaded with what reads it, and nothing else.
import { fileURLToPath } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import { broken, type FromThread, type Reading, type ToReader } from './reading.js';

const asked = workerData as ToReader;

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window's
const say = (message: FromThread): void => parentPort?.postMessage(message);

async function read(): Promise<Reading> {
  const { isData, readData } = await import('./data.js');
  if (asked.pm2 && /\.(?:json5?|pm2)$/.test(asked.file)) {
    const { readPm2Json } = await import('./pm2-json.js');
    say({ type: 'runs' });
    return readPm2Json(asked.file);
  }
  if (isData(asked.file)) return readData(asked.file);
  const { runCode } = await import('./code.js');
  return runCode(asked, () => say({ type: 'runs' }));
}

/** One line: what was thrown and, where it can be told, at which line. */
function thrown(error: unknown): Reading {
  if (!(error instanceof Error))
    return broken(`threw ${typeof error === 'string' ? `"${oneLine(error)}"` : describe(error)} while it was read`);
  const at = placeOf(error.stack ?? '');
  if (error instanceof SyntaxError) {
    return broken(`syntax error: ${oneLine(error.message)}${at === '' ? '; `node --check` shows the line' : at}`);
  }
  return broken(`threw while it was read: ${error.name}: ${oneLine(error.message)}${at}`);
}

const describe = (thing: unknown): string => (thing === null ? 'null' : `a thing of type ${typeof thing}`);
const oneLine = (words: string): string => words.replace(/\s+/g, ' ').trim().slice(0, 300);
const ours = fileURLToPath(new URL('..', import.meta.url));

/** The first place in a stack that is in a file of the operator's. */
function placeOf(stack: string): string {
  for (const [, path = '', line, column] of stack.matchAll(/(?:^|[\s(]|file:\/\/)(\/[^\s():]+):(\d+)(?::(\d+))?/gm)) {
    const foreign = !path.startsWith(ours) && !path.includes('/node_modules/jiti/');
    if (foreign) return ` (${path}:${line}${column === undefined ? '' : `:${column}`})`;
  }
  return '';
}

process.once('beforeExit', () => say(broken('the promise in it never settles')));
read().then(say, (error: unknown) => say(thrown(error)));
