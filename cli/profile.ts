// `cordon profile`: where one live worker spends its time, or what its memory holds, in a file that Chrome opens. The fleet goes on.
import { rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { inWords, milliseconds } from '../config/duration.js';
import { ExitCode, OperatorError } from '../config/exit-code.js';
import { sizeInWords } from '../config/size.js';
import { download, type Supervisor } from './client.js';
import { find, theWorker } from './find.js';
import type { OrderFlags } from './order.js';

interface Flags extends OrderFlags {
  readonly cpu?: string;
  readonly heap?: boolean;
  readonly output?: string;
}

/** Beyond the time that a profile runs, and for a large heap: the supervisor gives up earlier, and says why. */
const PATIENCE_MS = 320_000;
const DEFAULT_MS = 10_000;
const SIGINT_EXIT = 130;

export const define = (command: Command): void =>
  void command
    .description(
      "Profiles one live worker for a while, or takes a snapshot of its heap, and writes a file for Chrome's DevTools. The fleet goes on; no port is opened.",
    )
    .argument('<worker...>', 'the id of a worker, such as 3, or api 3 where several fleets run')
    .option('--cpu <time>', 'where it spends its CPU time, for so long, at most 5m (default: 10s)')
    .option('--heap', 'what its memory holds. The worker stands still meanwhile, and needs twice its memory')
    .option('-o, --output <file>', 'a new file (default: <fleet>-<worker>-<time>.cpuprofile or .heapsnapshot)')
    .option('--json', 'print what happened as JSON')
    .addHelpText(
      'after',
      '\nExamples:\n  $ cordon profile 3 --cpu 10s\n  $ cordon profile api 3 --heap -o api.heapsnapshot',
    )
    .action(async (words: readonly string[], flags: Flags) => {
      const worker = theWorker(words);
      if (flags.heap && flags.cpu !== undefined)
        throw new OperatorError('expected either --cpu or --heap: one profile at a time', ExitCode.usage);
      const ask = flags.heap ? { heap: true } : { cpuMs: time(flags.cpu) };
      const supervisor = await find(worker.name);
      const file = resolve(flags.output ?? nameOf(supervisor, worker.id, flags.heap === true));
      const path = `/v1/workers/${worker.id}/profile`;
      const doing = ask.cpuMs === undefined ? 'the heap is written' : `${inWords(ask.cpuMs)} of CPU time are watched`;
      if (process.stderr.isTTY) process.stderr.write(`worker ${worker.id} of ${supervisor.name}: ${doing}\n`);
      const bytes = await keep(file, () => download(supervisor, path, { body: ask, patienceMs: PATIENCE_MS }));
      process.stdout.write(
        flags.json
          ? `${JSON.stringify({ version: 1, ok: true, worker: worker.id, file, bytes })}\n`
          : `${file} (${sizeInWords(bytes)}); open it in the ${flags.heap ? 'Memory' : 'Performance'} panel of Chrome's DevTools\n`,
      );
    });

function time(words: string | undefined): number {
  const ms = words === undefined ? DEFAULT_MS : milliseconds(words);
  if (ms !== undefined) return ms;
  throw new OperatorError(
    `--cpu: expected a time with its unit, such as "10s", got ${JSON.stringify(words)}`,
    ExitCode.usage,
  );
}

function nameOf({ name }: Supervisor, id: number, heap: boolean): string {
  const at = new Date().toISOString().slice(0, 19).replace(/[-:]/g, '');
  return `${name}-${id}-${at}.${heap ? 'heapsnapshot' : 'cpuprofile'}`;
}

/** For its owner alone, as it holds what the program's memory holds. Half a file is left to nobody. Returns its size. */
async function keep(file: string, from: () => Promise<AsyncIterable<Buffer>>): Promise<number> {
  const handle = await create(file);
  const remove = (): void => rmSync(file, { force: true });
  const leave = (): void => {
    remove();
    process.exit(SIGINT_EXIT);
  };
  process.once('SIGINT', leave).once('SIGTERM', leave);
  let bytes = 0;
  try {
    for await (const chunk of await from()) {
      await handle.writeFile(chunk);
      bytes += chunk.length;
    }
    await handle.close();
    return bytes;
  } catch (error) {
    await handle.close().catch(() => {});
    remove();
    if (error instanceof OperatorError) throw error;
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new OperatorError(`${file}: the profile could not be written to its end (${code}).`, ExitCode.io);
  } finally {
    process.removeListener('SIGINT', leave).removeListener('SIGTERM', leave);
  }
}

async function create(file: string): Promise<FileHandle> {
  try {
    return await open(file, 'wx', 0o600);
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    const why = code === 'EEXIST' ? 'it is there already; name another with --output' : `cannot be made (${code})`;
    throw new OperatorError(`${file}: ${why}.`, ExitCode.cannotCreate);
  }
}
