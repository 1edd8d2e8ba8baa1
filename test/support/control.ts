// Control servers without a fleet: what they show is made up, and nobody is commanded.
import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Commands } from '../../supervisor/commands.js';
import type { Sources } from '../../supervisor/control/sources.js';
import { Journal } from '../../supervisor/journal.js';
import type { Release } from '../../supervisor/releases.js';

/** A private folder, removed afterwards. Its path is short: a socket's has 107 bytes. */
export function privateFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'cordon-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const nothing = { ok: false, why: 'there is no fleet' } as const;

export const noCommands: Commands = {
  status: () => ({
    name: 'api',
    script: '/srv/api.js',
    pid: process.pid,
    version: '0.0.0',
    node: process.versions.node,
    since: Date.now(),
    state: 'serving',
    ready: true,
    maintenance: false,
    generation: 1,
    size: 1,
    serving: 1,
    standby: 0,
    slots: [{ slot: 0, restarts: 0, lastEnd: undefined }],
    workers: [],
    beside: [],
    waitsFor: [],
  }),
  reload: () => Promise.resolve({ ...nothing, generation: 1, lastWords: ['Error: no database'] }),
  rollback: () => Promise.resolve({ ...nothing, generation: 1, lastWords: [] }),
  restart: () => Promise.resolve(nothing),
  scale: () => Promise.resolve(nothing),
  drain: () => Promise.resolve(nothing),
  maintain: () => nothing,
  upgrade: () => Promise.resolve(nothing),
  stop: () => Promise.resolve(),
  progress: () => () => {},
};

export const sources = (change: Partial<Sources> = {}): Sources => ({
  config: () => ({ env: {}, args: [], nodeArgs: [] }) as unknown as Release,
  commands: noCommands,
  journal: new Journal(),
  incidents: {
    list: () => [],
    count: () => 0,
    show: () => undefined,
    resolve: () => false,
    figures: { new: 0, known: 0, resolved: 0, returned: 0, forgotten: 0 },
  },
  looking: { profile: () => Promise.resolve(nothing), inspect: () => Promise.resolve(nothing) },
  ...change,
});

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** One request over a unix socket, or to a port. */
export function ask(
  where: { readonly socketPath: string } | { readonly port: number },
  method: string,
  path: string,
  body?: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ ...where, method, path, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text })).on('error', reject);
    });
    asked.on('error', reject);
    asked.end(body);
  });
}
