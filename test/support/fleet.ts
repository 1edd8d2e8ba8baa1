// A real fleet for a test: the command line in a process of its own, its log read as it comes. Tests wait for what the log says,
// never for a guessed time, and every process is ended by its pid.
import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { inVain, PATIENCE_MS } from './until.js';

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly worker?: number;
  readonly slot?: number;
  readonly pid?: number;
  readonly generation?: number;
  readonly cause?: string;
  readonly stream?: 'stdout' | 'stderr';
  readonly [field: string]: unknown;
}

export interface Fleet {
  /** Where its control socket is: no other test's fleet is there. */
  readonly runtime: string;
  readonly child: ChildProcess;
  readonly lines: readonly LogLine[];
  /** The first line, from `from` on, that matches; waits for it. Fails when the supervisor ends first. */
  line(matching: RegExp | ((line: LogLine) => boolean), from?: number): Promise<LogLine>;
  /** All workers ready. Returns the port that the program printed as `port <n>`, where it did. */
  ready(): Promise<void>;
  port(): Promise<number>;
  /** What the supervisor printed on stderr. */
  stderr(): string;
  /** Resolves to the exit code, or 128 + n. */
  readonly ended: Promise<number>;
  stop(): Promise<number>;
}

export const main = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
/** The repository's root: fixtures are run from source. */
export const root = fileURLToPath(new URL('../../../', import.meta.url));
export const fixture = (name: string): string => `${root}test/fixtures/${name}`;

const SIGNALS: Record<string, number> = { SIGTERM: 143, SIGINT: 130, SIGKILL: 137, SIGQUIT: 131 };

export interface StartOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** The supervisor has it as descriptor 3. */
  readonly inherit?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** The supervisor leads a process group of its own. */
  readonly detached?: boolean;
  /** What is run in place of `cordon start`. */
  readonly program?: string;
}

/** A short one: a socket's path has 107 bytes. Whoever the supervisor runs as may write to it. */
export function runtimeFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'cordon-'));
  chmodSync(folder, 0o777);
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Starts `cordon start` with these arguments; the test ends it, and its workers with it, whatever happens. */
export function startFleet(t: ExecutionContext, args: readonly string[], options: StartOptions = {}): Fleet {
  const { inherit, program, ...rest } = options;
  const runtime = options.env?.['XDG_RUNTIME_DIR'] ?? runtimeFolder(t);
  const state = realpathSync(mkdtempSync(join(tmpdir(), 'cordon-state-')));
  if (options.uid !== undefined) chownSync(state, options.uid, options.gid ?? options.uid);
  const command = program === undefined ? [main, 'start', '--log-format', 'json'] : [program];
  const child = spawn(process.execPath, [...command, ...args], {
    cwd: root,
    ...rest,
    env: {
      ...process.env,
      WEB_CONCURRENCY: undefined,
      FORCE_COLOR: undefined,
      NODE_OPTIONS: undefined,
      RUNTIME_DIRECTORY: undefined,
      XDG_RUNTIME_DIR: runtime,
      // What it remembers is no other test's, and nobody's at home.
      STATE_DIRECTORY: undefined,
      XDG_STATE_HOME: state,
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe', ...(inherit === undefined ? [] : [inherit])],
  }) as ChildProcessByStdio<null, Readable, Readable>;
  const lines: LogLine[] = [];
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const look of waiting) look();
  };
  let stderr = '';
  let over = false;
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(JSON.parse(line) as LogLine);
    wake();
  });
  const ended = once(child, 'close').then(([code, signal]) => {
    over = true;
    wake();
    return (code as number | null) ?? SIGNALS[signal as string] ?? 128;
  });

  const story = (): string => `${lines.map(({ msg }) => msg).join('\n')}\n${stderr}`;
  const line: Fleet['line'] = (matching, from = 0) =>
    new Promise((resolve, reject) => {
      const matches = typeof matching === 'function' ? matching : ({ msg }: LogLine) => matching.test(msg);
      const finish = (): void => {
        clearTimeout(timer);
        waiting.delete(look);
      };
      const timer = setTimeout(() => {
        finish();
        reject(inVain(`the supervisor says ${String(matching)}; it said:\n${story()}`));
      }, PATIENCE_MS);
      const look = (): void => {
        const found = lines.slice(from).find(matches);
        if (found === undefined && !over) return;
        finish();
        if (found) resolve(found);
        else reject(new Error(`the supervisor ended without saying ${String(matching)}:\n${story()}`));
      };
      waiting.add(look);
      look();
    });

  const pids = (): number[] => [
    ...new Set(lines.flatMap(({ pid, worker }) => (worker !== undefined && pid !== undefined ? [pid] : []))),
  ];
  t.teardown(async () => {
    if (!over) child.kill('SIGKILL');
    await ended;
    for (const pid of pids())
      try {
        process.kill(-pid, 'SIGKILL');
      } catch {
        // Gone already.
      }
    rmSync(state, { recursive: true, force: true });
  });

  return {
    runtime,
    child,
    lines,
    line,
    ended,
    stderr: () => stderr,
    ready: async () => {
      await line(({ msg }) => {
        const [, ready, all] = /is ready \((\d+) of (\d+)\)/.exec(msg) ?? [];
        return ready !== undefined && ready === all;
      });
    },
    port: async () => Number(/port (\d+)/.exec((await line(/^port \d+/)).msg)?.[1]),
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}
