// A container without an engine (`container.sh`): process 1 of its own namespaces, the image's user, a root that is read-only, no
// terminal. Needs root.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { root as project } from './fleet.js';
import type { Image } from './image.js';

const script = path.join(project, 'test/support/container.sh');
const VOLUMES = { '/run/cordon': 'mode=0700,uid=65532', '/var/lib/cordon': 'mode=0700,uid=65532' };
const SIGNALS: Readonly<Record<string, number>> = { SIGKILL: 137, SIGQUIT: 131, SIGTERM: 143 };

export interface Container {
  /** What it printed on stdout, line by line, and on stderr. */
  readonly lines: readonly string[];
  stderr(): string;
  /** The first line that matches; waits for it. */
  line(matching: RegExp): Promise<RegExpExecArray>;
  /** As an engine signals process 1. */
  kill(signal: NodeJS.Signals): void;
  /** As an engine runs something inside: a check of its health. */
  exec(command: readonly string[]): Promise<{ readonly code: number; readonly stdout: string }>;
  /** Resolves to the exit code, or 128 + n. */
  readonly ended: Promise<number>;
}

export interface Limits {
  /** In bytes. */
  readonly memory?: number;
  readonly cores?: number;
}

const writable = (folder: string): boolean => {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
};

/** The folders of this process's own cgroups that can limit, by controller. */
function hierarchies(): Map<'cpu' | 'memory', { readonly folder: string; readonly version: 1 | 2 }> {
  const own = readFileSync('/proc/self/cgroup', 'utf8');
  const found = new Map<'cpu' | 'memory', { folder: string; version: 1 | 2 }>();
  for (const controller of ['cpu', 'memory'] as const) {
    const [, names = '', at = ''] =
      new RegExp(`^\\d+:((?:[\\w=]+,)*${controller}(?:,[\\w=]+)*):(.*)$`, 'm').exec(own) ?? [];
    const folder = path.join('/sys/fs/cgroup', names, at);
    const unified = path.join('/sys/fs/cgroup', /^0::(.*)$/m.exec(own)?.[1] ?? '');
    const delegated = path.join(unified, 'cgroup.subtree_control');
    if (names !== '' && writable(folder)) found.set(controller, { folder, version: 1 });
    else if (
      existsSync(delegated) &&
      readFileSync(delegated, 'utf8').split(/\s/).includes(controller) &&
      writable(unified)
    )
      found.set(controller, { folder: unified, version: 2 });
  }
  return found;
}

/** Why limits cannot be set here, as a sentence; nothing where they can. */
export function lackOfLimits(): string | undefined {
  const found = hierarchies();
  const absent = (['cpu', 'memory'] as const).filter((controller) => !found.has(controller));
  return absent.length === 0 ? undefined : `no cgroup of this machine can limit ${absent.join(' and ')} for us`;
}

function limited(t: ExecutionContext, { memory, cores }: Limits): string[] {
  const found = hierarchies();
  const groups = new Set<string>();
  const group = (controller: 'cpu' | 'memory'): { at: string; version: 1 | 2 } => {
    const { folder, version } = found.get(controller) as { folder: string; version: 1 | 2 };
    const at = path.join(folder, `cordon-${process.pid}-${path.basename(t.title.replace(/\W+/g, '-'))}`.slice(0, 100));
    mkdirSync(at, { recursive: true });
    groups.add(at);
    return { at, version };
  };
  if (cores !== undefined) {
    const { at, version } = group('cpu');
    if (version === 2) writeFileSync(path.join(at, 'cpu.max'), `${cores * 100_000} 100000`);
    else writeFileSync(path.join(at, 'cpu.cfs_quota_us'), String(cores * 100_000));
  }
  if (memory !== undefined) {
    const { at, version } = group('memory');
    writeFileSync(path.join(at, version === 2 ? 'memory.max' : 'memory.limit_in_bytes'), String(memory));
    const swap = path.join(at, version === 2 ? 'memory.swap.max' : 'memory.swappiness');
    if (existsSync(swap)) writeFileSync(swap, '0');
  }
  // What was killed leaves its cgroup a moment later.
  t.teardown(async () => {
    for (const at of groups)
      for (let tries = 0; existsSync(at) && tries < 100; tries++)
        try {
          rmdirSync(at);
        } catch {
          await sleep(20);
        }
  });
  return [...groups];
}

export interface Asked {
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  readonly limits?: Limits;
  /** What is mounted where, by the options of its tmpfs. Default: as compose.yaml has it. */
  readonly volumes?: Readonly<Record<string, string>>;
}

export function runContainer(
  t: ExecutionContext,
  { root, binds, stage }: Image,
  { env: more = {}, args = [], limits = {}, volumes = VOLUMES }: Asked = {},
): Container {
  const env = { ...stage.env, ...more };
  const [uid, gid] = stage.user.map(String) as [string, string];
  const folders = Object.entries({ '/tmp': 'mode=1777', ...volumes })
    .map(([at, options]) => `${at}=${options}`)
    .join(' ');
  const place = [root, uid, gid, stage.workdir, folders, binds.join('\n'), limited(t, limits).join('\n')];
  const child = spawn(script, [...place, ...stage.entrypoint, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  let stderr = '';
  let over = false;
  const waiting = new Set<() => void>();
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    for (const look of waiting) look();
  });
  const ended = once(child, 'close').then(([code, signal]) => {
    over = true;
    for (const look of waiting) look();
    return (code as number | null) ?? SIGNALS[signal as string] ?? 128;
  });
  // To change its user takes from process 1 the order to die with its parent.
  t.teardown(async () => {
    if (!over) process.kill(first(), 'SIGKILL');
    await ended;
  });
  const first = (): number => {
    const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim();
    return Number(children.split(' ')[0]);
  };
  return {
    lines,
    stderr: () => stderr,
    ended,
    kill: (signal) => void process.kill(first(), signal),
    line: (matching) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = lines.map((line) => matching.exec(line)).find((match) => match !== null);
          if (!found && !over) return;
          waiting.delete(look);
          if (found) resolve(found);
          else reject(new Error(`it ended without saying ${String(matching)}:\n${lines.join('\n')}\n${stderr}`));
        };
        waiting.add(look);
        look();
      }),
    exec: async (command) => {
      const inside = [
        '-t',
        String(first()),
        '-m',
        '-p',
        '-i',
        '-u',
        '-C',
        '-r',
        '-w',
        '-S',
        uid,
        '-G',
        gid,
        ...command,
      ];
      const check = spawn('/usr/bin/nsenter', inside, { env, stdio: ['ignore', 'pipe', 'ignore'] });
      let stdout = '';
      check.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
      const [code] = (await once(check, 'close')) as [number | null];
      return { code: code ?? -1, stdout };
    },
  };
}
