// The way to systemd. Node has no unix datagram sockets, so words go out by a connected socket that was inherited, or by
// `systemd-notify`, which waits until systemd has read them. One message at a time: what comes meanwhile is put together, since a
// process is no small thing to start, and a blocked loop would be felt.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Words } from './words.js';

/** Hands one message to systemd; resolves when it is there. Rejects where it is not, and will not be. */
export type Transport = (text: string) => Promise<void>;

/** Words that change what systemd takes the service for. Each goes out by itself and in its order; of all others the latest counts. */
const TURNS = ['READY', 'RELOADING', 'STOPPING', 'MAINPID', 'ERRNO'];
/** After the first failure, and the second. */
const RETRIES_MS = [100, 1000];
/** systemd itself waits no longer than this for a barrier; what takes longer is stuck. */
const STUCK_MS = 30_000;

export class Notifier {
  readonly #transports: Transport[];
  readonly #failed: (error: Error) => void;
  readonly #queue: Words[] = [];
  #sending: Promise<void> | undefined;
  #muted = false;
  #complained = false;

  /** The first transport that works is used. `failed` hears once that none is left. */
  constructor(transports: readonly Transport[], failed: (error: Error) => void) {
    this.#transports = [...transports];
    this.#failed = failed;
  }

  say(words: Words): void {
    if (this.#muted || this.#transports.length === 0) return;
    const last = this.#queue.at(-1);
    if (last === undefined || (hasTurn(last) && hasTurn(words))) this.#queue.push(words);
    else this.#queue[this.#queue.length - 1] = { ...last, ...words };
    this.#sending ??= this.#send();
  }

  /** Resolves when everything that was said has been heard, or cannot be. */
  async heard(): Promise<void> {
    await this.#sending;
  }

  /** Somebody else speaks from now on. */
  mute(): void {
    this.#muted = true;
  }

  async #send(): Promise<void> {
    // What is said in the same turn of the loop goes out together.
    await Promise.resolve();
    for (let words = this.#queue.shift(); words !== undefined; words = this.#queue.shift()) await this.#deliver(words);
    this.#sending = undefined;
  }

  async #deliver(words: Words): Promise<void> {
    const text = Object.entries(words)
      .map(([name, value]) => `${name}=${value.replaceAll('\n', ' ')}`)
      .join('\n');
    for (;;) {
      const [transport] = this.#transports;
      const failure = transport && (await attempts(transport, text));
      if (failure === undefined) return;
      if (this.#transports.length > 1) {
        this.#transports.shift();
        continue;
      }
      if (!this.#complained) this.#failed(failure);
      this.#complained = true;
      return;
    }
  }
}

/** A word is worth more than one try: a machine that is short of processes for a moment must not cost a service its READY. */
async function attempts(transport: Transport, text: string): Promise<Error | undefined> {
  for (const delayMs of [...RETRIES_MS, undefined]) {
    try {
      await transport(text);
      return undefined;
    } catch (error) {
      const absent = (error as NodeJS.ErrnoException).code === 'ENOENT';
      if (absent || delayMs === undefined) return error as Error;
      await sleep(delayMs);
    }
  }
  return undefined;
}

const hasTurn = (words: Words): boolean => TURNS.some((turn) => words[turn] !== undefined);

/** By a connected datagram socket. Not blocking: where systemd's queue is full, a thread of the pool waits. */
export const byDescriptor =
  (fd: number): Transport =>
  (text) =>
    new Promise((resolve, reject) => {
      const attempt = (): void => {
        fs.write(fd, text, (error) => {
          if (error === null) resolve();
          // The socket is one that does not wait, and systemd is busy.
          else if (error.code === 'EAGAIN' || error.code === 'ENOBUFS') setTimeout(attempt, 10);
          else reject(error);
        });
      };
      attempt();
    });

/** Without `--pid`: systemd of 257 would take it for the main process that is to be. With its barrier, or words are lost. */
export const byCommand =
  (socket: string): Transport =>
  (text) =>
    new Promise((resolve, reject) => {
      const child = spawn('systemd-notify', text.split('\n'), {
        env: { PATH: process.env['PATH'] || '/usr/bin:/bin', NOTIFY_SOCKET: socket },
        stdio: ['ignore', 'ignore', 'pipe'],
        timeout: STUCK_MS,
        killSignal: 'SIGKILL',
      });
      let complaint = '';
      child.stderr.setEncoding('utf8').on('data', (words: string) => {
        if (complaint.length < 1000) complaint += words;
      });
      child.once('error', reject);
      child.once('close', (code, signal) => {
        if (code === 0) resolve();
        else reject(new Error(complaint.trim() || `systemd-notify ended with ${signal ?? `exit code ${code}`}`));
      });
    });
