// A second way into systemd's journal, for what the program prints: under its own name, so that `journalctl -t api` has the program
// and nothing of its supervisor. Each stream to the journal has one identifier, and the one that systemd opened has the unit's.
import { writeSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import type { Target } from '../logs/backlog.js';

export const JOURNAL = '/run/systemd/journal/stdout';

/** journald may be restarting. */
const AGAIN_MS = 5000;

/** What sd_journal_stream_fd(3) sends first: identifier, unit, priority, and whether lines begin with theirs; the rest is no. */
const headerOf = (identifier: string): string => `${identifier}\n\n6\n1\n0\n0\n0\n`;

export class JournalStream implements Target {
  readonly #identifier: string;
  readonly #otherwise: Target;
  readonly #path: string;
  #connecting: Socket | undefined;
  #connected: Socket | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `otherwise`: where lines go while there is no journal to write to. */
  constructor(identifier: string, otherwise: Target, path = JOURNAL) {
    this.#identifier = identifier;
    this.#otherwise = otherwise;
    this.#path = path;
    this.#open();
  }

  write(piece: Buffer, taken: () => void): void {
    if (this.#connected === undefined) return this.#otherwise.write(piece, taken);
    this.#connected.write(piece, (error) => (error ? this.#otherwise.write(piece, taken) : taken()));
  }

  writeLast(rest: Buffer): void {
    const fd = descriptorOf(this.#connected);
    if (fd === undefined) return this.#otherwise.writeLast(rest);
    let at = 0;
    try {
      while (at < rest.length) at += writeSync(fd, rest, at);
    } catch {
      this.#otherwise.writeLast(rest.subarray(at));
    }
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#connecting?.removeAllListeners('close').destroy();
    this.#connected?.removeAllListeners('close').end();
    this.#connecting = this.#connected = undefined;
  }

  #open(): void {
    // journald ends its own half as soon as there is a connection.
    const socket = connect({ path: this.#path, allowHalfOpen: true });
    this.#connecting = socket;
    socket.unref();
    socket.on('error', () => {});
    socket.once('connect', () => {
      socket.write(headerOf(this.#identifier));
      this.#connected = socket;
    });
    socket.once('close', () => {
      this.#connected = undefined;
      this.#timer = setTimeout(() => this.#open(), AGAIN_MS).unref();
    });
  }
}

function descriptorOf(socket: Socket | undefined): number | undefined {
  const { _handle: handle } = (socket ?? {}) as { _handle?: { fd?: number } | null };
  return handle?.fd !== undefined && handle.fd >= 0 ? handle.fd : undefined;
}
