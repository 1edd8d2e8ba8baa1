// Where log lines go: JSON lines into a pipe or a file, readable ones onto a terminal. Each is written at once where it can be, and
// what cannot be waits, bounded: whoever reads the log never holds up the fleet.
import { type Logger, pino, stdTimeFunctions } from 'pino';
import type { Config } from '../config/config.js';
import { Backlog, type Target } from './logs/backlog.js';
import { Brake } from './logs/brake.js';
import type { Level } from './logs/fields.js';
import { LogFile, type Rotation } from './logs/file.js';
import { stdoutTarget } from './logs/stdout.js';
import { type Speaker, WorkerLines } from './logs/worker-lines.js';
import { type Line, readable } from './readable.js';
import { leadsToJournal, prioritized } from './systemd/journal.js';
import { JournalStream } from './systemd/journal-stream.js';
import { count, seconds } from './words.js';

export type Log = Logger;

/** A process may have several fleets, and ends once. */
const unended = new Set<Logs>();
const flushAll = (): void => {
  for (const logs of unended) logs.flushLast();
};

/** Without a name it is the log of the whole process. */
type Settings = Pick<Config, 'logs'> & { readonly name: string | undefined };
type Print = (json: string, level: Level, own: boolean) => void;

interface Ears {
  /** Hears each line as JSON. */
  readonly remember?: (line: string) => void;
  /** What became of the log itself: for whoever looks for it where the log cannot tell. */
  readonly notice?: (level: 'info' | 'warn' | 'error', text: string) => void;
  /** Whether other apps print to the same place, so that a reader must be told whose a line is. */
  readonly isAmong?: () => boolean;
}

export class Logs {
  readonly log: Log;
  /** What workers print. */
  readonly workers: WorkerLines;
  /** Lines of a worker's access log, each with its newline. */
  readonly access: (seat: Speaker, lines: string) => void;
  readonly brake = new Brake();
  readonly #files: LogFile[] = [];
  readonly #backlogs: Backlog[] = [];
  readonly #ears: Ears;

  constructor(settings: Settings, ears: Ears = {}) {
    const { name, logs } = settings;
    this.#ears = ears;
    const outlets = this.#outlets(settings);
    const print: Print = (json, level, own) => {
      ears.remember?.(json);
      for (const outlet of outlets) outlet(json, level, own);
    };
    this.workers = new WorkerLines(name ?? 'cordon', (json, level) => print(json, level, false));
    this.access = this.#toAccessLog(settings);
    const options = {
      level: logs.level,
      base: { app: name },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (level: string) => ({ level }) },
    };
    this.log = pino(options, {
      write: (json: string) => print(json.slice(0, -1), (/"level":"(\w+)"/.exec(json)?.[1] ?? 'info') as Level, true),
    });
    if (unended.size === 0) process.on('exit', flushAll);
    unended.add(this);
  }

  /** As the user that the fleet runs as. @throws {OperatorError} where a file cannot be written. */
  async open(): Promise<void> {
    for (const file of this.#files) await file.open();
  }

  /** For logrotate. Resolves to why a file cannot be opened anew; it is written on then. */
  async reopen(): Promise<{ readonly files: readonly string[]; readonly why: string | undefined }> {
    const whys = await Promise.all(this.#files.map(async (file) => ({ path: file.path, why: await file.reopen() })));
    const failed = whys.find(({ why }) => why !== undefined);
    return {
      files: whys.map(({ path }) => path),
      why: failed && `${failed.path} cannot be opened anew: ${failed.why}`,
    };
  }

  /** Resolves when all is written, or nobody takes it in. */
  async end(): Promise<void> {
    await Promise.all(this.#backlogs.map((backlog) => backlog.end()));
    unended.delete(this);
    if (unended.size === 0) process.off('exit', flushAll);
  }

  /** The process ends, and nothing can be waited for. */
  flushLast(): void {
    for (const backlog of this.#backlogs) backlog.flushLast();
  }

  #outlets(settings: Settings): Print[] {
    const { file } = settings.logs;
    const onTerminal = file === undefined || process.stdout.isTTY;
    return [
      ...(file === undefined ? [] : [this.#toFile(file, settings.logs.rotate)]),
      ...(onTerminal ? [this.#toStdout(settings)] : []),
    ];
  }

  #toStdout({ name, logs }: Settings): Print {
    const target = stdoutTarget((why) => this.#troubled('its stdout', why));
    const backlog = this.#backlog(target, 'the reader of the log');
    const toJournal = leadsToJournal(1, process.env);
    const shown =
      logs.format === 'json'
        ? (json: string) => `${json}\n`
        : (json: string) => `${readable(JSON.parse(json) as Line, this.#ears.isAmong?.())}\n`;
    if (!toJournal) return (json, _level, own) => backlog.add(shown(json), 1, own);
    // Without a name there is no program either.
    const program = name === undefined ? backlog : this.#backlog(new JournalStream(name, target), 'the journal');
    return (json, level, own) => (own ? backlog : program).add(prioritized(level, shown(json)), 1, own);
  }

  #toFile(path: string, rotation: Rotation): Print {
    const backlog = this.#fileBacklog(path, rotation);
    return (json, _level, own) => backlog.add(`${json}\n`, 1, own);
  }

  #toAccessLog({ logs }: Settings): Logs['access'] {
    const { accessFile, rotate } = logs;
    if (accessFile === undefined)
      return (seat, lines) => {
        for (const line of lines.split('\n')) if (line !== '') this.workers.print(seat, 'access', line);
        this.workers.settle(seat);
      };
    const backlog = this.#fileBacklog(accessFile, rotate);
    return ({ id, slot, generation }, lines) => {
      const seat = `,"worker":${id},"slot":${slot},"generation":${generation}}\n`;
      // None of Apache's lines ends so.
      backlog.add(lines.replaceAll('}\n', seat), lines.split('\n').length - 1, false);
    };
  }

  #fileBacklog(path: string, rotation: Rotation): Backlog {
    const file = new LogFile(path, (why) => this.#troubled(path, why), rotation);
    this.#files.push(file);
    return this.#backlog(file, path);
  }

  #backlog(target: Target, who: string): Backlog {
    const backlog = new Backlog(target, {
      hold: this.brake.hold,
      stalled: () => this.#ears.notice?.('warn', `lines of the log are dropped: ${who} takes none in`),
      dropped: ({ lines, ms }) => {
        const text = `${count(lines, 'line')} dropped: ${who} stalled for ${seconds(ms)}`;
        this.#ears.notice?.('warn', text);
        this.log.warn(text);
      },
    });
    this.#backlogs.push(backlog);
    return backlog;
  }

  #troubled(path: string, why: string | undefined): void {
    const text = why === undefined ? `the log goes on in ${path}` : `the log cannot be written to ${path}: ${why}`;
    this.#ears.notice?.(why === undefined ? 'info' : 'error', text);
    process.stderr.write(`cordon: ${text}\n`);
  }
}
