// `cordon start --daemon`: the supervisor in a session of its own. Returns when its fleet is ready, or with the reason why it is not;
// a start that failed leaves nothing behind.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, mkdirSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config/config.js';
import { ExitCode, OperatorError } from '../config/exit-code.js';
import { homeOf } from '../config/home.js';
import { controlFolder, prepareFolder, socketName } from '../supervisor/control/path.js';
import type { StatusReply } from '../supervisor/control/protocol.js';
import { get, lines, order, type Supervisor } from './client.js';
import { progressLine } from './progress.js';
import { age, harmless } from './words.js';

const LOOK_MS = 100;
const MAX_TOLD = 64 * 1024;

/** `words` are the command line without `--daemon`. Gives the exit code. */
export async function daemonise(config: Config, words: readonly string[]): Promise<number> {
  const supervisor = { name: config.name, path: config.control.socket ?? defaultSocket(config) };
  const file = logFile(config.name);
  const log = openSync(file, 'a+', 0o600);
  const from = fstatSync(log).size;
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1] ?? '', ...words], {
    detached: true,
    stdio: ['ignore', log, log],
  });
  await once(child, 'spawn');
  const give = (): void => void child.kill('SIGTERM');
  process.once('SIGINT', give).once('SIGTERM', give);
  try {
    const why = await untilReady(child, supervisor);
    if (why === undefined) {
      child.unref();
      process.stdout.write(
        `${config.name} runs in the background (pid ${child.pid}, log ${file}). \`cordon status\` shows it, \`cordon stop\` ends it.\n`,
      );
      return ExitCode.ok;
    }
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      await order(supervisor, '/v1/stop', { now: true }, () => {}).catch(give);
      await ended;
      process.stderr.write(`cordon: ${config.name} did not get ready and was stopped: ${why}\n`);
      return ExitCode.failed;
    }
    process.stderr.write(`${complaints(log, from) ?? `cordon: ${why}; its log is ${file}`}\n`);
    return child.exitCode ?? ExitCode.failed;
  } finally {
    process.removeListener('SIGINT', give).removeListener('SIGTERM', give);
    closeSync(log);
  }
}

/** Without a control socket nobody could say that it is ready, nor stop it. */
function defaultSocket({ name, control }: Config): string {
  const folder = controlFolder();
  prepareFolder(folder, (control.mode & 0o077) !== 0 || control.readers !== undefined);
  return join(folder.path, socketName(name));
}

/** `$LOGS_DIRECTORY`, else `$XDG_STATE_HOME/cordon`, else `~/.local/state/cordon`. */
function logFile(name: string): string {
  const given = process.env['LOGS_DIRECTORY']?.split(':')[0];
  const folder = given || join(process.env['XDG_STATE_HOME'] || join(homeOf(), '.local', 'state'), 'cordon');
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new OperatorError(
      `--daemon: cannot make the folder ${folder} for its log (${code}). Set LOGS_DIRECTORY to one where you may write.`,
      ExitCode.cannotCreate,
    );
  }
  return join(folder, `${name}.log`);
}

/** Undefined when all serve; else the reason why they will not. */
async function untilReady(child: ChildProcess, supervisor: Supervisor): Promise<string | undefined> {
  const progress = progressLine();
  const begun = performance.now();
  try {
    for (;;) {
      if (child.exitCode !== null) return `it ended with exit code ${child.exitCode}`;
      if (child.signalCode !== null) return `it was ended by ${child.signalCode}`;
      const status = await get<StatusReply>(supervisor, '/v1/status').catch(() => undefined);
      // Another supervisor of this name may answer until ours has said that it is taken.
      if (status && status.pid === child.pid) {
        const { size, serving, state, workers } = status;
        if (serving >= size) return undefined;
        if (state === 'degraded') return await reason(supervisor);
        const booting = workers.filter(({ phase }) => phase === 'booting').length;
        progress.show(
          `${supervisor.name}: ${serving}/${size} workers ready (${booting} booting, ${age(performance.now() - begun)})`,
        );
      }
      await sleep(LOOK_MS);
    }
  } finally {
    progress.end();
  }
}

/** What its workers died of, in their own words. */
async function reason(supervisor: Supervisor): Promise<string> {
  const told: string[] = [];
  for await (const line of lines(supervisor, '/v1/logs?level=error&lines=4'))
    told.push(`  ${harmless((JSON.parse(line) as { msg?: string }).msg ?? '')}`);
  return `its workers fail again and again:\n${told.join('\n')}`;
}

/** What the supervisor itself had to say before it ended. */
function complaints(log: number, from: number): string | undefined {
  const size = Math.min(MAX_TOLD, fstatSync(log).size - from);
  if (size <= 0) return undefined;
  const text = Buffer.alloc(size);
  readSync(log, text, 0, size, fstatSync(log).size - size);
  const said = text
    .toString('utf8')
    .split('\n')
    .filter((line) => line.startsWith('cordon: '));
  return said.length === 0 ? undefined : said.join('\n');
}
