// The book of errors on disk: a snapshot, and journals of what has changed since. Everything is appended or renamed, never written
// over, so whatever happens amid a write, what was there is there. Nothing in here may stop the supervisor or keep it waiting.
import { constants, createReadStream } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import * as nodeFiles from 'node:fs/promises';
import { join } from 'node:path';
import type { Book, Change } from './book.js';
import { type StoredIncident, toStored } from './incident.js';
import { Journal, type Line } from './journal.js';
import { readJsonLines } from './lines.js';

export type Files = Pick<typeof nodeFiles, 'open' | 'rename' | 'rm' | 'readdir'>;

const SNAPSHOT = 'incidents.jsonl';
const JOURNAL = /^journal-(\d{1,9})\.jsonl$/;
const VERSION = 1;
/** `kill -9` is to lose less than a second, on a busy machine too. */
const FLUSH_MS = 100;
const RETRY_MS = 5000;
/** Snapshots are dear: a storm of ever new errors must not make one after the other. */
const SNAPSHOT_MS = 10_000;
/** A journal that has grown to this size, and to twice that of the snapshot, becomes one. */
const MAX_JOURNAL = 4 * 1024 * 1024;
const SLICE = 256 * 1024;

export interface Times {
  readonly flushMs: number;
  readonly retryMs: number;
  readonly snapshotMs: number;
}

export interface Concerns {
  /** The book cannot be written; it goes on in memory. Told once, until `recovered`. */
  failed(error: NodeJS.ErrnoException): void;
  recovered(): void;
}

export class Store {
  readonly #dir: string;
  readonly #book: Book;
  readonly #concerns: Concerns;
  readonly #files: Files;
  readonly #times: Times;
  readonly #journal: Journal;
  /** Journals that a snapshot will make superfluous. */
  #old: string[];
  #number: number;
  #handle: FileHandle | undefined;
  #written = 0;
  #snapshotSize = 0;
  #snapshotAt = Number.NEGATIVE_INFINITY;
  #failing = false;
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<void> | undefined;

  constructor(
    dir: string,
    book: Book,
    { n, journals }: Loaded,
    concerns: Concerns,
    {
      files = nodeFiles,
      times = { flushMs: FLUSH_MS, retryMs: RETRY_MS, snapshotMs: SNAPSHOT_MS },
    }: { files?: Files; times?: Times } = {},
  ) {
    this.#dir = dir;
    this.#book = book;
    this.#concerns = concerns;
    this.#files = files;
    this.#times = times;
    this.#journal = new Journal(n);
    this.#old = journals.map((number) => nameOf(number));
    this.#number = Math.max(0, ...journals);
    // What earlier runs have left is put together.
    if (journals.length > 0) this.renew();
  }

  add(change: Change): void {
    if (this.#failing) this.#journal.skip();
    else this.#journal.add(change);
    this.#wake(this.#failing ? this.#times.retryMs : this.#times.flushMs);
  }

  /** The book is written anew as a whole: it has got more, or less, than what was told here. */
  renew(): void {
    this.#journal.incomplete = true;
    this.#wake(this.#times.flushMs);
  }

  /** Writes what waits; at most this long. */
  async close(withinMs: number): Promise<void> {
    clearTimeout(this.#timer);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, withinMs);
    });
    const last = async (): Promise<void> => {
      await this.#work;
      clearTimeout(this.#timer);
      await this.#save();
      await this.#handle?.close();
    };
    await Promise.race([last().catch(() => {}), late]);
    clearTimeout(timer);
    clearTimeout(this.#timer);
  }

  #wake(inMs: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#work ??= this.#save().finally(() => {
        this.#work = undefined;
        const more = this.#failing || !this.#journal.isEmpty || this.#journal.incomplete;
        if (more) this.#wake(this.#failing ? this.#times.retryMs : this.#times.flushMs);
      });
    }, inMs).unref();
  }

  async #save(): Promise<void> {
    try {
      if (!this.#failing) await this.#append();
      if (this.#isDue) await this.#snapshot();
      if (this.#failing) this.#concerns.recovered();
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#concerns.failed(error as NodeJS.ErrnoException);
      this.#failing = true;
    }
  }

  get #isDue(): boolean {
    if (this.#failing) return true;
    const large = this.#written > Math.max(MAX_JOURNAL, 2 * this.#snapshotSize);
    return (large || this.#journal.incomplete) && performance.now() - this.#snapshotAt >= this.#times.snapshotMs;
  }

  async #append(): Promise<void> {
    const lines = this.#journal.take();
    if (lines.length === 0) return;
    this.#handle ??= await this.#begin();
    for (const text of slices(lines.map((line) => JSON.stringify(line)))) {
      await writeWhole(this.#handle, text);
      this.#written += text.length;
    }
  }

  async #begin(): Promise<FileHandle> {
    const name = nameOf(++this.#number);
    const handle = await this.#create(name);
    this.#old.push(name);
    this.#written = 0;
    return handle;
  }

  /** Never through a link that somebody else has put there, never into a file that is there already. */
  #create(name: string): Promise<FileHandle> {
    const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_EXCL;
    return this.#files.open(join(this.#dir, name), flags, 0o600);
  }

  async #snapshot(): Promise<void> {
    const superfluous = this.#old;
    const handle = this.#handle;
    // What changes from now on goes into a journal of its own, whatever becomes of this.
    this.#handle = undefined;
    this.#written = 0;
    await handle?.close().catch(() => {});
    const draft = `${SNAPSHOT}.draft`;
    if (this.#failing) this.#journal.take();
    this.#journal.incomplete = false;
    this.#snapshotAt = performance.now();
    try {
      await this.#files.rm(join(this.#dir, draft), { force: true });
      await this.#write(draft);
      await this.#files.rename(join(this.#dir, draft), join(this.#dir, SNAPSHOT));
    } catch (error) {
      await this.#files.rm(join(this.#dir, draft), { force: true }).catch(() => {});
      throw error;
    }
    this.#old = this.#old.filter((name) => !superfluous.includes(name));
    for (const name of superfluous) await this.#files.rm(join(this.#dir, name), { force: true });
  }

  /** In slices, between which the supervisor goes on: each incident says up to which change it is told. */
  async #write(draft: string): Promise<void> {
    const handle = await this.#create(draft);
    try {
      const head = { cordon: 'incidents', version: VERSION, n: this.#journal.seal(), forgotten: this.#book.forgotten };
      await writeWhole(handle, `${JSON.stringify(head)}\n`);
      const ids = [...this.#book.incidents].map(({ id }) => id);
      let size = 0;
      for (const text of slices(this.#linesOf(ids))) {
        await writeWhole(handle, text);
        size += text.length;
        // What comes meanwhile is not to wait for the end of a long book.
        await this.#append();
      }
      await handle.datasync();
      this.#snapshotSize = size;
    } finally {
      await handle.close();
    }
  }

  *#linesOf(ids: readonly string[]): Generator<string> {
    for (const id of ids) {
      const incident = this.#book.get(id);
      if (incident) yield JSON.stringify({ n: this.#journal.seal(), incident: toStored(incident, Date.now()) });
    }
  }
}

const nameOf = (number: number): string => `journal-${number}.jsonl`;

/** Made when they are asked for, so that what is asked for later is as it is then. */
function* slices(lines: Iterable<string>): Generator<string> {
  let text = '';
  for (const line of lines) {
    text += `${line}\n`;
    if (text.length < SLICE) continue;
    yield text;
    text = '';
  }
  if (text !== '') yield text;
}

async function writeWhole(handle: FileHandle, text: string): Promise<void> {
  const bytes = Buffer.from(text);
  for (let from = 0; from < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, from);
    from += bytesWritten;
  }
}

/** What was found on disk: how many changes the book has seen, and the numbers of its journals. */
export interface Loaded {
  readonly n: number;
  readonly journals: readonly number[];
}

/** Reads the snapshot, and after it the journals. What cannot be read is left out, and left where it is. */
export async function load(dir: string, into: Book): Promise<Loaded> {
  const names = await nodeFiles.readdir(dir);
  const told = new Map<string, number>();
  const journals = names
    .flatMap((name) => JOURNAL.exec(name)?.[1] ?? [])
    .map(Number)
    .toSorted((one, other) => one - other);
  let upTo = 0;
  if (names.includes(SNAPSHOT))
    for await (const line of linesIn(dir, SNAPSHOT)) {
      if (line['cordon'] === 'incidents') {
        if (typeof line['version'] === 'number' && line['version'] > VERSION) throw new Error(newer(dir));
        upTo = Number(line['n']) || 0;
        into.forgotten += Number(line['forgotten']) || 0;
      } else if (isIncident(line['incident'])) {
        told.set(line['incident'].id, Number(line['n']));
        into.restore(line['incident']);
      }
    }
  let n = Math.max(upTo, ...told.values());
  for (const number of journals)
    for await (const line of linesIn(dir, nameOf(number))) {
      if (!isLine(line)) continue;
      n = Math.max(n, line.n);
      if (line.n > (told.get(line.id) ?? upTo)) into.apply(line);
    }
  return { n, journals };
}

const newer = (dir: string): string => `${dir} was written by a newer cordon`;

const linesIn = (dir: string, name: string): ReturnType<typeof readJsonLines> =>
  readJsonLines(createReadStream(join(dir, name), { flags: constants.O_RDONLY | constants.O_NOFOLLOW } as never));

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/** Lines that were written whole were written by us: no more is checked than tells them from a stranger's. */
const isIncident = (value: unknown): value is StoredIncident =>
  isRecord(value) &&
  typeof value['id'] === 'string' &&
  isRecord(value['first']) &&
  ['recent', 'causes', 'releases', 'workers', 'minutes'].every((key) => Array.isArray(value[key]));

const isLine = (value: unknown): value is Line =>
  isRecord(value) &&
  typeof value['n'] === 'number' &&
  typeof value['id'] === 'string' &&
  (value['type'] === 'resolved' || (value['type'] === 'met' && isRecord(value['encounter'])));
