// A real systemd for a test: PID 1 of namespaces of its own, on this machine's root, read-only (`sdbox.sh`). Needs root.
import { type ChildProcessWithoutNullStreams, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { root } from './fleet.js';

const script = path.join(root, 'test/support/sdbox.sh');
/** Inside a box. */
export const NODE = '/opt/node';
export const APP = '/opt/app';
export const CORDON = `${NODE} ${APP}/dist/cli/main.js`;

/** What a box lacks here, as a sentence; nothing where it can be had. */
function lack(): string | undefined {
  if (process.platform !== 'linux') return 'a real systemd needs Linux';
  if (process.getuid?.() !== 0) return 'a real systemd in namespaces needs root';
  const absent = ['/lib/systemd/systemd', '/usr/bin/nsenter', '/usr/bin/unshare', '/usr/sbin/ip'].filter((file) => {
    try {
      accessSync(file, constants.X_OK);
      return false;
    } catch {
      return true;
    }
  });
  return absent.length === 0 ? undefined : `${absent.join(', ')} not there: install systemd, util-linux and iproute2`;
}

/** A test in a box. Where there can be none it is skipped, and its title says why; never in CI. */
export function boxed(title: string, story: (t: ExecutionContext) => Promise<void>): void {
  const why = lack();
  if (why === undefined) test.serial(title, story);
  else if (process.env['CI'] === undefined) test.skip(`${title} (not run: ${why})`, story);
  else test(title, (t) => t.fail(why));
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface BoxLoad {
  /** Resolves when this many requests more have been answered. */
  more(count: number): Promise<void>;
  /** How many requests ended how: `200`, `ECONNREFUSED`. */
  end(): Promise<Readonly<Record<string, number>>>;
}

export interface Box {
  /** Runs a command inside. */
  run(...command: readonly string[]): Promise<Ran>;
  systemctl(...args: readonly string[]): Promise<Ran>;
  show(unit: string, property: string): Promise<string>;
  /** Resolves when a property of the unit is so. */
  until(unit: string, property: string, matching: RegExp): Promise<string>;
  journal(unit: string): Promise<string>;
  /** Clients that ask one thing after the other, on a new connection each time or on one that each keeps. */
  load(where: string, clients: number, connections?: 'new' | 'kept'): BoxLoad;
  /** Clients of a proxy, who keep their connections, and a request that fails each so many milliseconds. */
  visitors(port: number, clients: number, faultEveryMs: number): BoxLoad;
}

/** Boots one with these units. The project is at /opt/app in it, Node at /opt/node. */
export async function boot(t: ExecutionContext, units: Readonly<Record<string, string>>): Promise<Box> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'cordon-units-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const files = Object.entries(units).map(([name, text]) => ({ file: path.join(folder, name), text }));
  for (const { file, text } of files) await writeFile(file, text);
  const name = `cordon-${process.pid}-${path.basename(folder)}`;
  const binds = ['-B', `${root.replace(/\/$/, '')}=${APP}`, '-B', `${process.execPath}=${NODE}`];
  const stop = (): void => void execFileSync(script, ['stop', name], { stdio: 'ignore', timeout: 30_000 });
  // A test that runs out of time is not torn down; its box must not outlive it.
  process.once('exit', stop);
  t.teardown(() => {
    process.removeListener('exit', stop);
    stop();
  });
  execFileSync(script, ['start', name, '-n', ...binds, ...files.flatMap(({ file }) => ['-i', file])], {
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 30_000,
  });

  const run: Box['run'] = (...command) =>
    new Promise((resolve) => {
      execFile(script, ['exec', name, ...command], { maxBuffer: 64 << 20 }, (error, stdout, stderr) =>
        resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr }),
      );
    });
  const show: Box['show'] = async (unit, property) =>
    (await run('systemctl', 'show', '-p', property, '--value', unit)).stdout.trim();
  const journal: Box['journal'] = async (unit) =>
    (await run('journalctl', '-u', unit, '-o', 'cat', '--no-pager')).stdout;
  const clientsOf = (program: string, ...args: readonly (string | number)[]): BoxLoad =>
    follow(t, spawn(script, ['exec', name, NODE, `${APP}/test/fixtures/systemd/${program}`, ...args.map(String)]));
  return {
    run,
    show,
    journal,
    systemctl: (...args) => run('systemctl', ...args),
    until: async (unit, property, matching) => {
      const end = performance.now() + 40_000;
      for (;;) {
        const value = await show(unit, property);
        if (matching.test(value)) return value;
        if (performance.now() > end)
          throw new Error(`${property} of ${unit} is "${value}", not ${matching}:\n${await journal(unit)}`);
        await sleep(50);
      }
    },
    load: (where, clients, connections = 'new') => clientsOf('load.mjs', where, clients, connections),
    visitors: (port, clients, faultEveryMs) => clientsOf('visitors.mjs', port, clients, faultEveryMs),
  };
}

function follow(t: ExecutionContext, child: ChildProcessWithoutNullStreams): BoxLoad {
  let told = 0;
  let over = false;
  let outcomes: Record<string, number> = {};
  const waiting = new Set<() => void>();
  t.teardown(() => child.kill('SIGKILL'));
  createInterface({ input: child.stdout }).on('line', (line) => {
    const word = JSON.parse(line) as { told?: number; outcomes?: Record<string, number> };
    told = word.told ?? told;
    outcomes = word.outcomes ?? outcomes;
    for (const look of waiting) look();
  });
  child.stderr.on('data', (text: Buffer) => t.log(text.toString()));
  const ended = once(child, 'close');
  child.once('close', () => {
    over = true;
    for (const look of waiting) look();
  });
  return {
    more: (count) => {
      const aim = told + count;
      return new Promise((resolve, reject) => {
        const look = (): void => {
          if (told < aim && !over) return;
          waiting.delete(look);
          if (told < aim) reject(new Error('the clients ended'));
          else resolve();
        };
        waiting.add(look);
        look();
      });
    },
    end: async () => {
      child.stdin.end();
      await ended;
      return outcomes;
    },
  };
}
