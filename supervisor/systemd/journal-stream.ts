// A second way into systemd's journal, for what the program prints: under its own name, so that `journalctl -t api` has the program
// and nothing of its supervisor. Each stream to the journal has one identifier, and the one that systemd opened has the unit's.
import { writeSync } from 'node:fs';
import { connect, type Socket } from 'node:net';

export const JOURNAL = '/run/systemd/journal/stdout';

/** journald may be restarting. */
const AGAIN_MS = 5000;

/** What sd_journal_stream_fd(3) sends first: identifier, unit, priority, and whether lines begin with theirs; the rest is no. */
const headerOf = (identifier: string): string => `${identifier}\n\n6\n1\n0\n0\n0\n`;

export class JournalStream {
  readonly #identifier: string;
  readonly #path: string;
  #socket: Socket | undefined;
  #fd: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(identifier: string, path = JOURNAL) {
    this.#identifier = identifier;
    this.#path = path;
    this.#open();
  }

  /** Written when it returns: no line is lost with this process. False where there is no journal to write to. */
  write(lines: string): boolean {
    if (this.#fd === undefined) return false;
    try {
      writeAll(this.#fd, lines);
      return true;
    } catch {
      this.#fd = undefined;
      this.#socket?.destroy();
      return false;
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#fd = undefined;
    this.#socket?.removeAllListeners('close').destroy();
  }

  #open(): void {
    // journald ends its own half as soon as there is a connection.
    const socket = connect({ path: this.#path, allowHalfOpen: true });
    this.#socket = socket;
    socket.unref();
    socket.on('error', () => {});
    socket.once('connect', () => {
      const fd = blocking(socket);
      if (fd === undefined) return this.close();
      this.#fd = fd;
      this.write(headerOf(this.#identifier));
    });
    socket.once('close', () => {
      this.#fd = undefined;
      this.#timer = setTimeout(() => this.#open(), AGAIN_MS).unref();
    });
  }
}

/** Node's own writes would wait for the event loop, which a process that ends has no more of. */
function blocking(socket: Socket): number | undefined {
  const { _handle: handle } = socket as unknown as {
    _handle?: { fd?: number; setBlocking?: (on: boolean) => number } | null;
  };
  if (handle?.fd === undefined || handle.fd < 0 || handle.setBlocking?.(true) !== 0) return undefined;
  return handle.fd;
}

function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += writeSync(fd, bytes, at));
}
