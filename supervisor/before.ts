// What comes before a generation: a command of the operator's, such as the migration of a database, run once. Where it fails, the
// generation does not begin. It is ended together with all that it has started.
import { type ChildProcess, spawn } from 'node:child_process';
import { hidden } from './control/redact.js';
import { LastWords } from './last-words.js';
import { readLines } from './output.js';
import type { Release } from './releases.js';
import { seconds } from './words.js';

/** How long one that is told to go may take. */
const GRACE_MS = 2000;
/** Something that it has left behind may hold its pipes open. */
const LAST_WORDS_MS = 500;

export interface BeforeLog {
  /** A line of its own. */
  said(stream: 'stdout' | 'stderr', line: string): void;
  /** What became of it. */
  told(level: 'info' | 'error', text: string): void;
}

/** Why it failed, in a clause, and the last lines that it printed. */
export interface Unprepared {
  readonly ok: false;
  readonly why: string;
  readonly lastWords: readonly string[];
}

export class Before {
  readonly #log: BeforeLog;
  #running: AbortController | undefined;

  constructor(log: BeforeLog) {
    this.#log = log;
  }

  /** Resolves to undefined where nothing stands in the way. One at a time is the caller's business. */
  async run(release: Release, generation: number): Promise<Unprepared | undefined> {
    const { command, timeoutMs } = release.before;
    const name = hidden(command).join(' ');
    const ended = (this.#running = new AbortController());
    const words = new LastWords(() => {});
    const began = performance.now();
    this.#log.told('info', `before generation ${generation}: ${name} begins`);
    const failure = await ending(command, release, generation, timeoutMs, ended.signal, (stream, line) => {
      words.say(line);
      this.#log.said(stream, line);
    });
    if (this.#running === ended) this.#running = undefined;
    if (failure === undefined) {
      this.#log.told(
        'info',
        `before generation ${generation}: ${name} is done (${seconds(performance.now() - began)})`,
      );
      return undefined;
    }
    const why = `${name} failed (${failure}), and has to succeed before a generation begins`;
    this.#log.told('error', `generation ${generation} does not begin: ${why}`);
    return { ok: false, why, lastWords: words.recent };
  }

  /** It is not waited for any more. */
  end(): void {
    this.#running?.abort();
  }
}

/** Undefined where it ended well, else what went wrong, in a few words. */
async function ending(
  [file = '', ...args]: readonly string[],
  release: Release,
  generation: number,
  timeoutMs: number,
  stopped: AbortSignal,
  said: BeforeLog['said'],
): Promise<string | undefined> {
  let child: ChildProcess;
  try {
    child = spawn(file, args, {
      cwd: release.cwd,
      env: environmentOf(release, generation),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  } catch (error) {
    return `it could not be started: ${(error as Error).message}`;
  }
  const { stdout, stderr } = child;
  if (stdout) readLines(stdout, (line) => said('stdout', line));
  if (stderr) readLines(stderr, (line) => said('stderr', line));
  return new Promise((resolve) => {
    let why: string | undefined;
    let last: NodeJS.Timeout | undefined;
    const goAway = (because: string): void => {
      why ??= because;
      signal(child, 'SIGTERM');
      last ??= setTimeout(signal, GRACE_MS, child, 'SIGKILL');
    };
    const stop = (): void => goAway('the fleet stops');
    const timer = setTimeout(goAway, timeoutMs, `it took longer than ${seconds(timeoutMs)}`);
    const over = (failure: string | undefined): void => {
      clearTimeout(timer);
      clearTimeout(last);
      stopped.removeEventListener('abort', stop);
      resolve(why ?? failure);
    };
    if (stopped.aborted) stop();
    stopped.addEventListener('abort', stop);
    child.once('error', ({ message }) => {
      if (child.pid === undefined) over(`it could not be started: ${message}`);
    });
    child.once('exit', (code, killed) => {
      // What it has started ends with it.
      signal(child, 'SIGKILL');
      const failure = killed ?? (code === 0 ? undefined : `exit code ${code}`);
      const close = setTimeout(() => child.emit('close'), LAST_WORDS_MS);
      child.once('close', () => {
        clearTimeout(close);
        for (const stream of child.stdio) stream?.destroy();
        over(failure);
      });
    });
  });
}

const environmentOf = ({ name, env, inherited }: Release, generation: number): NodeJS.ProcessEnv => ({
  ...inherited,
  ...env,
  CORDON_NAME: name,
  CORDON_GENERATION: String(generation),
});

function signal({ pid }: ChildProcess, which: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, which);
  } catch {
    // Nobody is left.
  }
}
