// The fleet under test, as an operator starts it: the command line, a configuration file, a folder of releases and a symbolic link
// to the current one. All that is known of it comes from outside: its log, its exit code, /proc.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { resolve as absolute, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../support/process.mjs';
import { isRunning, marked } from './proc.mjs';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
/** The command line of the cordon in this folder. */
const mainOf = (cordon) => join(cordon, 'dist', 'cli', 'main.js');
const servers = {
  http: at('servers/http.mjs'),
  fastify: at('servers/fastify.mjs'),
  'fastify-early': at('servers/fastify.mjs'),
};

/** Log lines that are kept, and characters of stderr. */
const KEPT = 20_000;
const BOOT_MS = 30_000;

/** What is wrong with a release, as the lines that its script begins with. */
const ailments = {
  good: () => '',
  dies: () => "throw new Error('chaos: the database is not there');\n",
  silent: () => 'setInterval(() => {}, 1000);\nawait new Promise(() => {});\n',
  sick: () => "process.env.CHAOS_SICK = '3';\n",
};

const running = new Set();
/** For whoever is interrupted: no fleet outlives its referee. */
export const stopAll = () => Promise.all([...running].map((fleet) => fleet.stop()));

/** `cordon`: the folder of the one under test; `server`: http, fastify, fastify-early, or the path of a script that listens on PORT. */
export async function startFleet({ node, cordon, server = 'http', workers, config = {} }) {
  const mark = randomUUID();
  const name = `chaos-${mark.slice(0, 8)}`;
  const port = await freePort();
  const home = mkdtempSync(join(tmpdir(), 'cordon-chaos-'));
  const script = servers[server] ?? absolute(server);
  let releases = 0;

  /** Makes a new release the current one, at once. Returns its name. */
  function deploy(kind = 'good') {
    const release = String(++releases);
    const folder = join(home, 'releases', release);
    mkdirSync(folder, { recursive: true });
    const lines = `process.env.CHAOS_RELEASE = '${release}';\n${ailments[kind]()}await import('${script}');\n`;
    writeFileSync(join(folder, 'server.mjs'), lines);
    symlinkSync(folder, join(home, 'next'));
    renameSync(join(home, 'next'), join(home, 'current'));
    fleet.release = release;
    return release;
  }

  mkdirSync(join(home, 'run'), { mode: 0o700 });
  const file = join(home, 'cordon.config.json');
  writeFileSync(file, JSON.stringify(config));
  const { NODE_OPTIONS: _options, WEB_CONCURRENCY: _workers, RUNTIME_DIRECTORY: _run, ...inherited } = process.env;
  const env = { ...inherited, XDG_RUNTIME_DIR: join(home, 'run') };

  const lines = [];
  let stderr = '';
  const fleet = {
    port,
    name,
    workers,
    release: undefined,
    lines,
    get stderr() {
      return stderr;
    },
    deploy,
    /** Its workers' processes, and its supervisors': one, but during an upgrade. */
    processes: () => marked(mark).filter(({ worker }) => worker !== undefined),
    supervisors() {
      const all = marked(mark);
      const others = all.filter(({ worker }) => worker === undefined);
      const parents = others.filter(({ pid }) => all.some(({ parent }) => parent === pid));
      return parents.length > 0 ? parents : others; // between two generations there may be no worker to tell by
    },
    signal: (signal) => {
      for (const { pid } of fleet.supervisors()) process.kill(pid, signal);
    },
    command: (words, withinMs = 120_000) => command({ node, cordon }, words, { cwd: home, env, withinMs }),
    stop,
  };
  deploy();

  const words = ['start', join(home, 'current', 'server.mjs'), '-n', name, '-w', String(workers), '-c', file];
  const child = spawn(node, [mainOf(cordon), ...words, '--log-format', 'json'], {
    cwd: home,
    env: {
      ...env,
      PORT: String(port),
      CHAOS_FLEET: mark,
      CHAOS_CORDON: join(cordon, 'package.json'),
      CHAOS_CLOSE: server === 'fastify-early' ? 'early' : undefined,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  fleet.child = child;
  running.add(fleet);
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr = (stderr + text).slice(-KEPT)));
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (lines.length >= KEPT) lines.shift();
    lines.push(parsed(line));
  });
  fleet.exited = new Promise((done) => {
    child.once('error', (error) => done({ code: error.code, at: performance.now() }));
    child.once('exit', (code, signal) => done({ code: code ?? signal, at: performance.now() }));
  });

  async function stop() {
    // Each once: a second signal would be an order to stop at once.
    const supervisors = new Set(fleet.supervisors().map(({ pid }) => pid));
    if (child.exitCode === null && child.signalCode === null) supervisors.add(child.pid);
    for (const pid of supervisors) kill(pid, 'SIGTERM');
    const begun = performance.now();
    while (marked(mark).length > 0 && performance.now() - begun < 15_000) await sleep(20);
    const left = marked(mark);
    for (const { pid } of left) kill(pid, 'SIGKILL');
    rmSync(home, { recursive: true, force: true });
    running.delete(fleet);
    return left.length;
  }

  const ready = ({ msg }) => new RegExp(`\\(${workers} of ${workers}\\)`).test(msg ?? '');
  const begun = performance.now();
  while (!lines.some(ready)) {
    const over = performance.now() - begun > BOOT_MS || !isRunning(child.pid);
    if (!over) {
      await sleep(10);
      continue;
    }
    await stop();
    throw new Error(`the fleet did not get ready:\n${lines.map(({ msg }) => msg).join('\n')}\n${stderr}`);
  }
  return fleet;
}

function parsed(line) {
  try {
    return JSON.parse(line);
  } catch {
    return { msg: line };
  }
}

function kill(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch {
    // gone already
  }
}

/** Runs `cordon …` to its end. */
export function command({ node, cordon }, words, { cwd, env = process.env, withinMs = 30_000 } = {}) {
  return new Promise((resolve) => {
    const begun = performance.now();
    const child = spawn(node, [mainOf(cordon), ...words], {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: withinMs,
      killSignal: 'SIGKILL',
    });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => (said = (said + text).slice(-KEPT)));
    child.once('close', (code, signal) =>
      resolve({ code: code ?? signal, said, tookMs: performance.now() - begun, words: words.join(' ') }),
    );
  });
}
