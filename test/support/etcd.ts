// A real etcd of one server for a test, on ports of its own, and what it holds.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { freePort } from './proxy.js';
import { inTime, until } from './until.js';

const program = '/usr/bin/etcd';
const AUTHENTICATE = '/v3/auth/authenticate';

/** A test that needs etcd; where it is missing the title says so, but never in CI. */
export function registered(title: string, story: (t: ExecutionContext) => Promise<void>): void {
  try {
    accessSync(program, constants.X_OK);
    test.serial(title, story);
  } catch {
    if (process.env['CI'] === undefined) test.skip(`${title} (not run: ${program} is not there)`, story);
    else test(title, (t) => t.fail(`${program} is not there`));
  }
}

export interface EtcdServer {
  readonly endpoint: string;
  /** What stands below `/services/`, by its key. */
  entries(): Promise<Readonly<Record<string, string>>>;
  /** Resolves when these keys are there, and no others. */
  until(...keys: readonly string[]): Promise<void>;
  /** Asks its gateway. */
  post(at: string, body: object): Promise<Readonly<Record<string, unknown>>>;
  /** From then on this user asks. */
  authenticate(name: string, password: string): Promise<void>;
  /** In order, so that what it knew is on disk; nothing is learnt again from its log at the next start, also no token. */
  stop(): Promise<void>;
  /** With SIGKILL; `wipe`: and all that it knew is lost. */
  kill(wipe?: boolean): Promise<void>;
  start(): Promise<void>;
  readonly pid: number;
}

/** With `tls`, by https, as `localhost`. */
export async function startEtcd(
  t: ExecutionContext,
  tls?: { readonly certificate: string; readonly key: string },
): Promise<EtcdServer> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'cordon-etcd-'));
  const data = path.join(folder, 'data');
  const scheme = tls ? 'https' : 'http';
  const [listening, peer] = [`${scheme}://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`];
  const endpoint = listening.replace('127.0.0.1', tls ? 'localhost' : '127.0.0.1');
  let child: ChildProcess | undefined;
  let token = '';
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await inTime(`etcd ends by ${signal}`, once(child, 'exit'));
  };
  t.teardown(async () => {
    await end('SIGKILL');
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  const post: EtcdServer['post'] = (at, body) =>
    new Promise((resolve, reject) => {
      // With an old token nobody gets a new one: etcd looks at it first, and may have forgotten it with its last start.
      const headers = token && at !== AUTHENTICATE ? { authorization: token } : {};
      const options = { method: 'POST', agent: false, timeout: 5000, headers };
      const asking = tls ? https.request : http.request;
      const request = asking(new URL(at, endpoint), { ...options, rejectUnauthorized: false }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.once('end', () => resolve(JSON.parse(text) as Readonly<Record<string, unknown>>));
      });
      request.once('error', reject).once('timeout', () => request.destroy(new Error('etcd does not answer')));
      request.end(JSON.stringify(body));
    });
  const start = async (): Promise<void> => {
    const options = {
      'data-dir': data,
      'log-level': 'error',
      'heartbeat-interval': 50,
      'election-timeout': 500,
      'listen-client-urls': listening,
      'advertise-client-urls': endpoint,
      'listen-peer-urls': peer,
      'initial-advertise-peer-urls': peer,
      'initial-cluster': `default=${peer}`,
      ...(tls && { 'cert-file': tls.certificate, 'key-file': tls.key }),
    };
    const words = Object.entries(options).map(([option, value]) => `--${option}=${value}`);
    const started = spawn(program, words, { stdio: 'ignore' });
    child = started;
    await until('etcd has a leader', async () => {
      const { exitCode, signalCode } = started;
      if (exitCode !== null || signalCode !== null) throw new Error(`etcd ended with ${exitCode ?? signalCode}`);
      const { leader } = await post('/v3/maintenance/status', {}).catch(() => ({ leader: undefined }));
      return leader !== undefined && leader !== '0';
    });
  };
  const entries: EtcdServer['entries'] = async () => {
    const answer = await post('/v3/kv/range', { key: base64('/services/'), range_end: base64('/services0') });
    if (answer['code'] === 16 || answer['code'] === 3) throw new Error(String(answer['message']));
    const kvs = (answer['kvs'] ?? []) as readonly { key: string; value: string }[];
    return Object.fromEntries(kvs.map(({ key, value }) => [text(key), text(value)]));
  };
  await start();
  return {
    endpoint,
    entries,
    start,
    post,
    authenticate: async (name, password) => {
      // Right after a start it may know of no user yet.
      token = await until(`etcd gives ${name} a token`, async () => {
        const answer = await post(AUTHENTICATE, { name, password });
        return typeof answer['token'] === 'string' && answer['token'];
      });
    },
    stop: () => end('SIGTERM'),
    kill: async (wipe = false) => {
      await end('SIGKILL');
      if (wipe) await rm(data, { recursive: true, maxRetries: 5 });
    },
    until: async (...keys) => {
      let there = '';
      await until(
        () => `etcd has ${keys.join(' ') || 'nothing'}; it has ${there || 'nothing'}`,
        async () => {
          there = Object.keys(await entries())
            .toSorted()
            .join(' ');
          return there === keys.toSorted().join(' ');
        },
      );
    },
    get pid() {
      return child?.pid ?? 0;
    },
  };
}

const base64 = (words: string): string => Buffer.from(words).toString('base64');
const text = (words: string): string => Buffer.from(words, 'base64').toString();
