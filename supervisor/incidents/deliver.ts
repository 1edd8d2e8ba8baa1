// How `hooks.onIncident` is told: a command gets the news as JSON on its stdin, an address as the body of a POST. Loaded when there
// is something to tell.
import { spawn } from 'node:child_process';
import type { News } from './hook.js';

const MAX_SAID = 500;
const LAST_WORDS_MS = 500;

export function byCommand([command = '', ...args]: readonly string[], cwd: string) {
  return (news: News, timeoutMs: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const child = spawn(command, args, {
        cwd,
        env: { ...process.env, CORDON_INCIDENT: news.id, CORDON_INCIDENT_EVENT: news.event, CORDON_NAME: news.app },
        stdio: ['pipe', 'ignore', 'pipe'],
        // Its children end with it where it takes too long.
        detached: true,
      });
      const timer = setTimeout(() => endTree(child.pid), timeoutMs);
      let said = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        if (said.length < MAX_SAID) said += text;
      });
      child.once('error', (error) => {
        clearTimeout(timer);
        reject(error);
      });
      // Something that it has left behind may hold its pipes open.
      child.once('exit', () => setTimeout(() => child.stderr.destroy(), LAST_WORDS_MS).unref());
      child.once('close', (code, signal) => {
        clearTimeout(timer);
        if (code === 0) resolve();
        else reject(new Error(`${command} ended with ${signal ?? `exit code ${code}`}${gist(said)}`));
      });
      // One that does not read it is told by its environment.
      child.stdin.on('error', () => {}).end(`${JSON.stringify(news)}\n`);
    });
}

const gist = (said: string): string => {
  const [line = ''] = said.trim().split('\n');
  return line === '' ? '' : `: ${line.slice(0, MAX_SAID)}`;
};

function endTree(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}

/** The address may hold a secret: it is not in what is said when it fails. */
export function byPost(address: string) {
  return async (news: News, timeoutMs: number): Promise<void> => {
    const { request } = address.startsWith('https:')
      ? await import('node:https')
      : await import('../../config/http.js');
    const body = JSON.stringify(news);
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    await new Promise<void>((resolve, reject) => {
      const signal = AbortSignal.timeout(timeoutMs);
      const asked = request(address, { method: 'POST', headers, signal, agent: false }, (response) => {
        response.destroy();
        const { statusCode = 0 } = response;
        if (statusCode >= 200 && statusCode < 300) resolve();
        else reject(new Error(`${asked.host} answered ${statusCode}`));
      });
      asked.once('error', (error) =>
        reject(signal.aborted ? new Error(`${asked.host} did not answer in ${timeoutMs} ms`) : error),
      );
      asked.end(body);
    });
  };
}
