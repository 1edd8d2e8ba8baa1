// Processes: started on given cores, measured as a tree, and ended by their ids. Linux: everything is read from /proc.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const pinning = existsSync('/usr/bin/taskset');

/** The words of a command that runs on these cores alone, where that can be had. */
export const pinned = (cpus, words) => (pinning && cpus !== undefined ? ['taskset', '-c', cpus, ...words] : words);

export async function freePort() {
  const server = createServer();
  await new Promise((listening) => server.listen(0, listening));
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

export function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it has ended meanwhile
  }
}

export const list = (path) => {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
};

/** A process and all that descend from it. */
export function tree(root) {
  const children = new Map();
  for (const entry of list('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const parent = Number(
      read(`/proc/${entry}/stat`)
        .replace(/^.*\) /s, '')
        .split(' ')[1],
    );
    children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const found = [root];
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}

/** CPU time of these processes so far, user and system, all threads. */
export function cpuMs(pids) {
  let ns = 0;
  for (const pid of pids) {
    for (const thread of list(`/proc/${pid}/task`)) {
      ns += Number(read(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0]);
    }
  }
  return ns / 1e6;
}

/** CPU time of a process, of those that it has, and of those that it has seen end; to a hundredth of a second. */
export function spentMs(pid) {
  const fields = read(`/proc/${pid}/stat`)
    .replace(/^.*\) /s, '')
    .split(' ')
    .map(Number);
  const ticks = fields.slice(11, 15).reduce((sum, value) => sum + value, 0);
  return ticks * 10 + cpuMs(tree(pid).slice(1));
}

/** Resident memory of one process, all of it and its fair share, in MB. */
export function memoryMb(pid) {
  const text = read(`/proc/${pid}/smaps_rollup`);
  const field = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) / 1024;
  return { rss: field('Rss'), pss: field('Pss') };
}

/** The most resident memory that this process has had, in MB. */
export const peakMb = (pid) => Number(/^VmHWM:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`))?.[1]) / 1024;

/** Whether something answers HTTP there. */
function answers(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () =>
      socket.write('GET /ok HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'),
    );
    const done = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('data', () => done(true));
    socket.once('error', () => done(false));
    socket.once('close', () => done(false));
    socket.setTimeout(5000, () => done(false));
  });
}

const running = (pid) => existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(read(`/proc/${pid}/status`));

const signal = (pid, name) => {
  try {
    process.kill(pid, name);
  } catch {
    // gone already
  }
};

/** Starts a server and waits for its first answer. `stop` ends it and whatever it started. */
export async function startServer({ name, words, env = {}, cpus, port }) {
  const begun = performance.now();
  const [command, ...args] = pinned(cpus, words);
  const child = spawn(command, args, {
    env: { ...process.env, ...env, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let failure;
  child.stdout.on('data', (chunk) => (out += chunk));
  child.stderr.on('data', (chunk) => (out += chunk));
  child.once('error', (error) => (failure = error));
  const exited = new Promise((done) => child.once('exit', done));

  const server = {
    name,
    port,
    pid: child.pid,
    /** From its start to its first answer. */
    bootMs: 0,
    get log() {
      return out;
    },
    cpuMs: () => cpuMs(tree(child.pid)),
    async stop() {
      const family = tree(child.pid);
      signal(child.pid, 'SIGTERM');
      await Promise.race([exited, sleep(8000, undefined, { ref: false })]);
      const left = family.filter(running);
      for (const pid of left) signal(pid, 'SIGKILL');
      return left.length;
    },
  };

  while (!(await answers(port))) {
    const over = performance.now() - begun > 20_000;
    if (failure === undefined && child.exitCode === null && !over) {
      await sleep(3);
      continue;
    }
    await server.stop();
    throw new Error(`${name} does not answer${failure ? `: ${failure.message}` : ''}\n${out.slice(-2000)}`);
  }
  server.bootMs = performance.now() - begun;
  return server;
}

/** Runs a command to its end and returns what it printed; ends it where it takes too long. */
export function run(words, { cpus, timeoutMs }) {
  const [command, ...args] = pinned(cpus, words);
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
    let out = '';
    child.stdout.on('data', (chunk) => (out += chunk));
    child.once('error', reject);
    child.once('close', (code, by) => {
      if (code === 0) resolve(out);
      else reject(new Error(`${command} ended with ${code ?? by}`));
    });
  });
}
