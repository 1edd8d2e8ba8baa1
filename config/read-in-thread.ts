// Runs in a worker thread of the reading process: whatever a configuration does (throw, loop, exit, never settle) is done in
// here, and what it imports is read anew the next time.
import { readFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import { readJson } from './json.js';
import { dotted, type Path } from './problem.js';
import { broken, type Reading } from './reading.js';

const file = workerData as string;

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window's
const say = (message: Reading): void => parentPort?.postMessage(message);

function readData(): Reading {
  const read = readJson(readFileSync(file, 'utf8').replace(/^\uFEFF/, ''));
  if (read.type === 'read') return read;
  return {
    type: 'broken',
    problems: read.problems.map(({ place, says }) => ({ at: `:${place.line}:${place.column}`, says })),
  };
}

async function runCode(): Promise<Reading> {
  const module = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  if (!('default' in module)) return broken('no default export; write `export default { script: … }`');
  const exported = await module['default'];
  const value = isTranspiled(exported) ? await exported.default : exported;
  if (typeof value === 'function') return broken('exports a function; export the object, or a promise of it');
  const problems = notData(value, [], []).map(({ path, says }) => ({
    at: '',
    says: path.length === 0 ? says : `\`${dotted(path)}\`: ${says}`,
  }));
  if (problems.length > 0) return { type: 'broken', problems };
  const data = JSON.stringify(value) as string | undefined;
  return { type: 'read', value: data === undefined ? undefined : (JSON.parse(data) as unknown), places: undefined };
}

/** `exports.default = …`, as compilers write it. */
const isTranspiled = (exported: unknown): exported is { default: unknown } =>
  typeof exported === 'object' && exported !== null && '__esModule' in exported && 'default' in exported;

/** What JSON could not hold, or would change in silence. */
function notData(value: unknown, path: Path, above: readonly unknown[]): { path: Path; says: string }[] {
  if (above.includes(value)) return [{ path, says: 'contains itself' }];
  const kind = unfit(value);
  if (kind !== undefined) return [{ path, says: `expected plain data, got ${kind}` }];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => notData(inner, [...path, key], [...above, value]));
}

function unfit(value: unknown): string | undefined {
  if (typeof value === 'function' || typeof value === 'symbol' || typeof value === 'bigint') return `a ${typeof value}`;
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const tag = Object.prototype.toString.call(value).slice('[object '.length, -1);
  return tag === 'Object' ? undefined : `a ${tag}`;
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

/** The first place in a stack that is in a file of the operator's. */
function placeOf(stack: string): string {
  for (const [, path, line, column] of stack.matchAll(/(?:^|[\s(]|file:\/\/)(\/[^\s():]+):(\d+)(?::(\d+))?/gm)) {
    if (path !== fileURLToPath(import.meta.url)) return ` (${path}:${line}${column === undefined ? '' : `:${column}`})`;
  }
  return '';
}

process.once('beforeExit', () => say(broken('the promise in it never settles')));
try {
  const reading = file.endsWith('.json') ? Promise.resolve(readData()) : runCode();
  reading.then(say, (error: unknown) => say(thrown(error)));
} catch (error) {
  say(thrown(error));
}
