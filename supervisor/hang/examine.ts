// The supervisor's side of opening a stuck worker: SIGUSR1 makes Node listen for an inspector, on a loopback port of its own
// choosing, from a thread that a stuck program does not hold up; where it listens it says on stderr.
import { type ChildProcess, fork } from 'node:child_process';
import type { Finding, Orders } from './protocol.js';

/** The thread answers in milliseconds; one that has not by now has the signal for itself. Told before it is given up on. */
const URL_MS = 1500;
/** From the URL to the last finding. */
const OPERATION_MS = 5000;

const SURGEON = new URL('./surgeon.js', import.meta.url);

/** What Node prints about its inspector: none of the program's business. */
export const CHATTER =
  /^(?:Debugger (?:listening on|attached|ending on) ?|For help, see: https:\/\/nodejs\.org\/|Waiting for the debugger to disconnect)/;
const LISTENING = /^Debugger listening on (ws:\/\/\S+)/;

export class Examination {
  #heard: ((url: string | undefined) => void) | undefined;
  #surgeon: ChildProcess | undefined;
  #over = false;

  /** A line of the worker's stderr; whether it was Node's word on the inspector, which is not to be shown. */
  said(line: string): boolean {
    const [, url] = LISTENING.exec(line) ?? [];
    if (url !== undefined) this.#heard?.(url);
    return CHATTER.test(line);
  }

  /** Nobody wants to know any more: nothing further is found. */
  end(): void {
    this.#over = true;
    this.#heard?.(undefined);
    this.#surgeon?.kill('SIGKILL');
  }

  /** Never throws: what failed is a finding. `kill` sends the worker a signal. */
  async run(
    kill: (signal: 'SIGUSR1') => void,
    orders: Omit<Orders, 'url'>,
    found: (finding: Finding | { readonly type: 'opened' }) => void,
  ): Promise<void> {
    const tell: typeof found = (finding) => {
      if (!this.#over) found(finding);
    };
    const url = await new Promise<string | undefined>((resolve) => {
      const timer = setTimeout(resolve, URL_MS, undefined);
      this.#heard = (place) => {
        clearTimeout(timer);
        resolve(place);
      };
      kill('SIGUSR1');
    });
    if (this.#over) return;
    if (url === undefined)
      return tell({ type: 'failed', why: 'its inspector does not answer; does the program listen to SIGUSR1 itself?' });
    tell({ type: 'opened' });
    await new Promise<void>((done) => {
      const surgeon = fork(SURGEON, [], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'], execArgv: [] });
      this.#surgeon = surgeon;
      const timer = setTimeout(() => {
        tell({ type: 'failed', why: `it could not be looked into within ${OPERATION_MS / 1000} s` });
        surgeon.kill('SIGKILL');
      }, OPERATION_MS);
      surgeon.on('message', (finding) => tell(finding as Finding));
      surgeon.once('error', (error) => tell({ type: 'failed', why: error.message }));
      surgeon.once('close', () => {
        clearTimeout(timer);
        done();
      });
      surgeon.send({ url, ...orders } satisfies Orders, () => {});
    });
  }
}
