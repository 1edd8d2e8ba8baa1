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
export async function daemonise(apps: readonly Config[], words: readonly string[]): Promise<number> {
  const fleets = apps.map((config) => ({ name: config.name, path: config.control.socket ?? defaultSocket(config) }));
  const name = fleets.map((fleet) => fleet.name).join(', ');
  const file = logFile(fleets[0]?.name ?? 'cordon');
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
    const failed = new Set<string>();
    const failures: string[] = [];
    for (const fleet of fleets) {
      const why = await untilReady(child, fleet, { all: fleets, failed });
      if (why === undefined) continue;
      failed.add(fleet.name);
      failures.push(fleets.length === 1 ? why : `${fleet.name}: ${why}`);
    }
    const isOver = child.exitCode !== null || child.signalCode !== null;
    if (failures.length < fleets.length && !isOver) {
      child.unref();
      process.stdout.write(
        `${name} ${fleets.length === 1 ? 'runs' : 'run'} in the background (pid ${child.pid}, log ${file}). \`cordon status\` shows ${fleets.length === 1 ? 'it' : 'them'}, \`cordon stop\` ends ${fleets.length === 1 ? 'it' : 'them'}.\n`,
      );
      // One that fails is not the others' fault: they stay.
      for (const failure of failures) process.stderr.write(`cordon: ${failure}\n`);
      return failures.length === 0 ? ExitCode.ok : ExitCode.failed;
    }
    const why = failures.join('\n');
    if (!isOver) {
      const ended = once(child, 'exit');
      await stopNow(fleets).catch(give);
      await ended;
      process.stderr.write(
        `cordon: ${name} did not get ready and ${fleets.length === 1 ? 'was' : 'were'} stopped: ${why}\n`,
      );
      return ExitCode.failed;
    }
    process.stderr.write(`${complaints(log, from) ?? `cordon: ${why}; its log is ${file}`}\n`);
    return child.exitCode ?? ExitCode.failed;
  } finally {
    process.removeListener('SIGINT', give).removeListener('SIGTERM', give);
    closeSync(log);
  }
}

/** Whoever of them answers stops all. */
async function stopNow(fleets: readonly Supervisor[]): Promise<void> {
  let refused: unknown;
  for (const fleet of fleets)
    try {
      await order(fleet, '/v1/stop', { now: true, ...(fleets.length > 1 && { all: true }) }, () => {});
      return;
    } catch (error) {
      refused = error;
    }
  throw refused;
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

/** Undefined when it is ready; else the reason why it will not be. */
async function untilReady(
  child: ChildProcess,
  supervisor: Supervisor,
  { all, failed }: { readonly all: readonly Supervisor[]; readonly failed: ReadonlySet<string> },
): Promise<string | undefined> {
  const progress = progressLine();
  const begun = performance.now();
  try {
    for (;;) {
      if (child.exitCode !== null) return `it ended with exit code ${child.exitCode}`;
      if (child.signalCode !== null) return `it was ended by ${child.signalCode}`;
      const status = await get<StatusReply>(supervisor, '/v1/status').catch(() => undefined);
      const failure = status === undefined ? await failureOf(child, supervisor, all) : undefined;
      if (failure !== undefined) return failure;
      // Another supervisor of this name may answer until ours has said that it is taken.
      if (status && status.pid === child.pid) {
        const { size, serving, state, workers, ready, waitsFor = [] } = status;
        const vain = waitsFor.filter((name) => failed.has(name));
        if (vain.length > 0) return `it waits for ${vain.join(' and ')}`;
        if (ready) return undefined;
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

/** Of several, one may fail by itself: then the others know nothing of it any more, but what was said. */
async function failureOf(
  child: ChildProcess,
  { name }: Supervisor,
  all: readonly Supervisor[],
): Promise<string | undefined> {
  for (const other of all) {
    const status = await get<StatusReply>(other, '/v1/status').catch(() => undefined);
    if (status?.pid !== child.pid || other.name === name || status?.beside?.includes(name) !== false) continue;
    for await (const line of lines(other, '/v1/events')) {
      const { event, msg = '' } = JSON.parse(line) as { event?: string; msg?: string };
      if (event === 'failed' && msg.startsWith(`${name} `)) return harmless(msg);
    }
    return 'it has ended';
  }
  return undefined;
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
