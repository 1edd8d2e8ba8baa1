// The supervisor's side of opening a stuck worker: SIGUSR1 makes Node listen for an inspector, on a loopback port of its own
// choosing, from a thread that a stuck program does not hold up; where it listens it says on stderr.
import { fork } from 'node:child_process';
import type { Finding } from './protocol.js';

/** The thread answers in milliseconds; one that has not by now has the signal switched off, or is stopped. */
const URL_MS = 3000;
/** From the URL to the last finding. */
const OPERATION_MS = 5000;

const SURGEON = new URL('./surgeon.js', import.meta.url);

/** What Node prints about its inspector: none of the program's business. */
const CHATTER =
  /^(?:Debugger (?:listening on|attached|ending on) ?|For help, see: https:\/\/nodejs\.org\/|Waiting for the debugger to disconnect)/;
const LISTENING = /^Debugger listening on (ws:\/\/\S+)/;

export class Examination {
  #heard: ((url: string) => void) | undefined;

  /** A line of the worker's stderr; whether it was Node's word on the inspector, which is not to be shown. */
  said(line: string): boolean {
    const [, url] = LISTENING.exec(line) ?? [];
    if (url !== undefined) this.#heard?.(url);
    return CHATTER.test(line);
  }

  /** Never throws: what failed is a finding. `kill` sends the worker a signal. */
  async run(kill: (signal: 'SIGUSR1') => void, free: boolean, found: (finding: Finding) => void): Promise<void> {
    const url = await new Promise<string | undefined>((resolve) => {
      const timer = setTimeout(resolve, URL_MS, undefined);
      this.#heard = (place) => {
        clearTimeout(timer);
        resolve(place);
      };
      kill('SIGUSR1');
    });
    if (url === undefined) return found({ type: 'failed', why: 'its inspector does not answer' });
    await new Promise<void>((done) => {
      const surgeon = fork(SURGEON, [], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'], execArgv: [] });
      const timer = setTimeout(() => {
        found({ type: 'failed', why: `it could not be looked into within ${OPERATION_MS / 1000} s` });
        surgeon.kill('SIGKILL');
      }, OPERATION_MS);
      surgeon.on('message', (finding) => found(finding as Finding));
      surgeon.once('error', (error) => found({ type: 'failed', why: error.message }));
      surgeon.once('close', () => {
        clearTimeout(timer);
        done();
      });
      surgeon.send({ url, free }, () => {});
    });
  }
}
