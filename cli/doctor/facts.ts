// What this machine tells of itself. What it does not tell is left out.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, lstatSync } from 'node:fs';
import { createServer } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { groupsOf, readText } from '../../config/cgroup.js';
import { grantedCores } from '../../config/cores.js';
import { grantedMemory } from '../../config/memory.js';
import { controlFolder, unsafety } from '../../supervisor/control/path.js';
import type { Facts } from './checks.js';

export interface Told {
  readonly proxyKeepAliveMs?: number;
  readonly keepAliveMs?: number;
}

export function gather({ proxyKeepAliveMs, keepAliveMs = createServer().keepAliveTimeout }: Told): Facts {
  const swap = kilobytes('SwapTotal');
  const swapFree = kilobytes('SwapFree');
  const known = {
    descriptors: limit('Max open files'),
    processes: limit('Max processes'),
    tasks: grantedTasks(),
    somaxconn: number(readText('/proc/sys/net/core/somaxconn')),
    swap,
    swapUsed: swap !== undefined && swapFree !== undefined ? swap - swapFree : undefined,
    init: readText('/proc/1/comm')?.trim(),
    systemd: systemdVersion(),
    synchronized: synchronized(),
    proxyKeepAliveMs,
  };
  return {
    node: process.versions.node,
    cores: grantedCores(),
    parallelism: os.availableParallelism(),
    memory: grantedMemory(),
    machineMemory: os.totalmem(),
    clock: Date.now(),
    pid: process.pid,
    container: ['/.dockerenv', '/run/.containerenv'].some((file) => existsSync(file)) || 'container' in process.env,
    runtime: runtimeFolder(),
    inspector: process.features.inspector,
    nodeOptions: process.env['NODE_OPTIONS'] ?? '',
    keepAliveMs,
    ...(Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined)) as Partial<Facts>),
  };
}

const number = (text: string | undefined): number | undefined =>
  text === undefined || Number.isNaN(Number(text)) ? undefined : Number(text);

/** The soft limit, as the kernel has it for this process. */
function limit(name: string): number | undefined {
  const [, soft] = new RegExp(`^${name}\\s+(\\S+)`, 'm').exec(readText('/proc/self/limits') ?? '') ?? [];
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : number(soft);
}

function kilobytes(name: string): number | undefined {
  const [, size] = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(readText('/proc/meminfo') ?? '') ?? [];
  return size === undefined ? undefined : Number(size) * 1024;
}

/** Processes and threads that the tightest cgroup lets through. */
function grantedTasks(): number | undefined {
  const limits = groupsOf('pids', readText).flatMap(({ folder }) => {
    const most = number(readText(path.join(folder, 'pids.max'))?.trim());
    return most === undefined ? [] : [most];
  });
  return limits.length === 0 ? undefined : Math.min(...limits);
}

/** Whether the clock is kept by NTP, as far as systemd knows. */
function synchronized(): boolean | undefined {
  if (!existsSync('/run/systemd/system')) return undefined;
  const words = ['show', '--property=NTPSynchronized', '--value'];
  const { stdout } = spawnSync('timedatectl', words, { encoding: 'utf8', timeout: 2000 });
  return { yes: true, no: false }[stdout?.trim() ?? ''];
}

function systemdVersion(): number | undefined {
  if (!existsSync('/run/systemd/system')) return undefined;
  const { stdout } = spawnSync('systemctl', ['--version'], { encoding: 'utf8', timeout: 2000 });
  return number(/^systemd (\d+)/.exec(stdout ?? '')?.[1]);
}

/** Where control sockets go, and why they could not. */
function runtimeFolder(): Facts['runtime'] {
  const { RUNTIME_DIRECTORY, XDG_RUNTIME_DIR } = process.env;
  const folder = RUNTIME_DIRECTORY?.split(':')[0] ?? XDG_RUNTIME_DIR ?? os.tmpdir();
  const problem = folderProblem(folder) ?? ownProblem();
  return { folder: path.resolve(folder), ...(problem !== undefined && { problem }) };
}

/** Of the folder within it that cordon makes, where it is there already. */
function ownProblem(): string | undefined {
  const { path: own } = controlFolder();
  const why = lstatSync(own, { throwIfNoEntry: false }) && unsafety(own);
  return why && `${own} is not safe: ${why}. Remove it, and cordon makes its own.`;
}

function folderProblem(folder: string): string | undefined {
  const found = lstatSync(folder, { throwIfNoEntry: false });
  if (found === undefined) return 'It does not exist: make it, or unset the variable that names it.';
  if (!found.isDirectory() && !found.isSymbolicLink()) return 'It is no folder: make it one.';
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return undefined;
  } catch {
    return 'You may not write there: make it yours, or name another by XDG_RUNTIME_DIR.';
  }
}
