// A log file: appended to, renamed when it is large enough, opened anew when somebody else has renamed it, and waited for while its
// disk is full. One thing at a time, between two pieces of the log, so that no line is lost by any of it.
import fs from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { ExitCode, OperatorError } from '../../config/exit-code.js';
import type { Target } from './backlog.js';

export interface Rotation {
  /** In bytes: a file is renamed before it grows beyond it. Undefined: never. */
  readonly size: number | undefined;
  /** How many of the old files stay; `<file>.1` is the latest of them. */
  readonly keep: number;
}

const write = promisify(fs.write);
const close = promisify(fs.close);
const stat = promisify(fs.fstat);
const open = promisify(fs.open);
const rename = promisify(fs.rename);
const makeFolder = promisify(fs.mkdir);

/** Somebody else's pipe would make us wait for its reader. */
const FLAGS = fs.constants.O_WRONLY | fs.constants.O_APPEND | fs.constants.O_CREAT | fs.constants.O_NONBLOCK;
const MODE = 0o640;
const FOLDER_MODE = 0o750;
/** How often a disk that takes nothing is tried again. */
const RETRY_MS = 500;
const NEWLINE = 0x0a;

export class LogFile implements Target {
  readonly #path: string | undefined;
  readonly #rotation: Rotation | undefined;
  readonly #complain: (why: string | undefined) => void;
  readonly #opened: Promise<void>;
  #begin: () => void = () => {};
  #fd = -1;
  #size = 0;
  #failing = false;
  #ended = false;
  #doing: Promise<void> = Promise.resolve();
  #retry: (() => void) | undefined;
  readonly #reopening: ((why: string | undefined) => void)[] = [];

  /** `complain` hears why it cannot be written, and undefined when it can again. A number is a file that is open already. */
  constructor(path: string | number, complain: (why: string | undefined) => void, rotation?: Rotation) {
    this.#complain = complain;
    this.#rotation = rotation;
    this.#opened = new Promise((resolve) => (this.#begin = resolve));
    if (typeof path === 'string') this.#path = path;
    else {
      this.#fd = path;
      this.#begin();
    }
  }

  /** What is written before waits. @throws {OperatorError} where it cannot be written to. */
  async open(): Promise<void> {
    const why = await this.#openAnew();
    if (why !== undefined)
      throw new OperatorError(
        `the log file ${this.#path} cannot be written: ${why}. Set logs.file to a path where cordon's user may write.`,
        ExitCode.cannotCreate,
      );
    this.#begin();
  }

  get path(): string {
    return this.#path ?? '';
  }

  write(piece: Buffer, taken: () => void): void {
    void this.#next(async () => {
      await this.#put(piece);
      taken();
    });
  }

  writeLast(rest: Buffer): void {
    try {
      for (let at = 0; at < rest.length; ) at += fs.writeSync(this.#fd, rest, at);
    } catch {
      // The disk takes nothing.
    }
  }

  /** After the piece that is being written, all goes to what has the file's name then. Resolves to why that cannot be had. */
  reopen(): Promise<string | undefined> {
    return new Promise((resolve) => {
      this.#reopening.push(resolve);
      this.#retry?.();
      void this.#next(async () => void (await this.#serveReopening()));
    });
  }

  end(): void {
    this.#ended = true;
    this.#retry?.();
    if (this.#path === undefined) return;
    void this.#next(async () => {
      const fd = this.#fd;
      this.#fd = -1;
      await close(fd).catch(() => {});
    });
  }

  /** One thing at a time. `task` never throws. */
  #next(task: () => Promise<void>): Promise<void> {
    this.#doing = this.#doing.then(task);
    return this.#doing;
  }

  get #most(): number {
    return this.#rotation?.size ?? Number.POSITIVE_INFINITY;
  }

  async #put(piece: Buffer): Promise<void> {
    if (this.#fd < 0) await this.#opened;
    if (this.#size > 0 && this.#size + piece.length > this.#most) await this.#rotate();
    for (let at = 0; at < piece.length; )
      try {
        if (await this.#serveReopening()) at = piece.lastIndexOf(NEWLINE, at - 1) + 1;
        const { bytesWritten } = await write(this.#fd, piece, at);
        at += bytesWritten;
        this.#size += bytesWritten;
        if (this.#failing) this.#complain(undefined);
        this.#failing = false;
      } catch (error) {
        if (this.#ended) return;
        if (!this.#failing) this.#complain(reasonOf(error));
        this.#failing = true;
        await this.#pause();
      }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, RETRY_MS);
      this.#retry = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Whether the file is another one now. */
  async #serveReopening(): Promise<boolean> {
    const asked = this.#reopening.splice(0);
    if (asked.length === 0) return false;
    const why = await this.#openAnew();
    for (const resolve of asked) resolve(why);
    return why === undefined;
  }

  /** Where that fails, the old one is written on. */
  async #openAnew(): Promise<string | undefined> {
    if (this.#path === undefined) return 'it has no name';
    try {
      await makeFolder(dirname(this.#path), { recursive: true, mode: FOLDER_MODE });
      const { fd, size } = await openLog(this.#path);
      const old = this.#fd;
      this.#fd = fd;
      this.#size = size;
      if (old >= 0) await close(old);
      return undefined;
    } catch (error) {
      return reasonOf(error);
    }
  }

  async #rotate(): Promise<void> {
    const path = this.#path ?? '';
    const keep = this.#rotation?.keep ?? 1;
    const names = [path, ...Array.from({ length: keep }, (_, i) => `${path}.${i + 1}`)];
    try {
      for (let i = keep; i > 0; i--)
        await rename(names[i - 1] ?? '', names[i] ?? '').catch((error: NodeJS.ErrnoException) => {
          if (error.code !== 'ENOENT') throw error;
        });
    } catch (error) {
      this.#complain(`it cannot be renamed: ${reasonOf(error)}`);
      // Tried again when as much has been written once more.
      this.#size = 0;
      return;
    }
    const why = await this.#openAnew();
    if (why !== undefined) this.#complain(why);
  }
}

async function openLog(path: string): Promise<{ readonly fd: number; readonly size: number }> {
  const fd = await open(path, FLAGS, MODE);
  const found = await stat(fd);
  if (found.isFile()) return { fd, size: found.size };
  await close(fd);
  throw new Error('it is no file');
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota is used up',
  EACCES: 'permission denied',
  EROFS: 'the file system is read-only',
  EISDIR: 'it is a folder',
  ENXIO: 'it is no file',
  ENOTDIR: 'what stands before its name is no folder',
};

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined) return message;
  const reason = REASONS[code];
  return reason === undefined ? code : `${reason} (${code})`;
}
