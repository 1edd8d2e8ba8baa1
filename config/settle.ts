// The end of the way: everything was checked, and becomes the Config that the program knows.
import { hostname } from 'node:os';
import { parse, resolve } from 'node:path';
import * as v from 'valibot';
import { addressWords } from './address.js';
import type { Config, ListenAddress } from './config.js';
import { grantedCores } from './cores.js';
import type { Path } from './problem.js';
import { ConfigSchema } from './schema.js';
import { giver, type Wish } from './wish.js';

/** What a command before a generation may take where nobody says it. */
const BEFORE_MS = 600_000;

/** What a configuration leaves to the place where it is used. */
export interface Surroundings {
  /** Where the operator stands. Absolute. */
  readonly folder: string;
  /** Whether the log is read on a terminal. */
  readonly terminal: boolean;
  /** Default: what the cgroup grants. */
  readonly cores?: number;
}

/** Nothing is wrong: units are gone, paths are absolute, what depends on the machine or on another key is decided. */
export function settle(
  wish: Wish,
  fetched: Pick<Config, 'env' | 'secrets'>,
  { folder, terminal, cores = grantedCores() }: Surroundings,
): Config {
  const checked = v.parse(ConfigSchema, wish.given);
  const within = (key: Path, path: string): string => resolve(giver(wish, key)?.folder ?? folder, path);
  const from = (key: string, path: string): string => within([key], path);
  const { ready, boot, reload, health, limits, fault, restart, stop, control, metrics, logs, errors, hooks, registry } =
    checked;
  const { min = Math.min(100, restart.backoff.max ?? 100), max = Math.max(30_000, min) } = restart.backoff;
  const { before = [], recycle, watch } = checked;
  const script = from('script', checked.script ?? '');
  const file = wish.sources.find(({ origin }) => origin === 'file');
  return {
    name: checked.name ?? nameOf(script),
    script,
    args: checked.args,
    cwd: checked.cwd === undefined ? (file?.folder ?? folder) : from('cwd', checked.cwd),
    nodeArgs: checked.nodeArgs,
    env: fetched.env,
    secrets: fetched.secrets,
    workers: numberOfWorkers(checked.workers, cores),
    listen: checked.listen.map((address) => absolute(address, (path) => from('listen', path))),
    handOver: checked.handOver,
    balance: checked.balance,
    standby: checked.standby,
    ready: { on: ready.on, timeoutMs: ready.timeout, quorum: ready.quorum },
    before: Array.isArray(before)
      ? { command: before, timeoutMs: BEFORE_MS }
      : { command: before.command, timeoutMs: before.timeout },
    boot: { concurrency: boot.concurrency ?? Math.max(1, Math.round(cores)) },
    reload: {
      // For whoever waits for what they have just written, all at once.
      surge: watch.program
        ? Math.max(reload.surge, numberOfWorkers(checked.workers, cores) + checked.standby)
        : reload.surge,
      canary: reload.canary,
      bakeMs: reload.bake,
      maxErrorRatio: reload.maxErrorRatio,
      rollback: reload.rollback,
    },
    health: { beatMs: health.beat, hangMs: health.hang, onHang: health.onHang },
    limits: {
      memory: limits.memory,
      heap: limits.heap,
      requests: limits.requests,
      lifetimeMs: limits.lifetime,
      jitter: limits.jitter,
    },
    fault: { killTimeoutMs: fault.killTimeout },
    restart: {
      backoff: { minMs: min, maxMs: max, factor: restart.backoff.factor, jitter: restart.backoff.jitter },
      intensity: { restarts: restart.intensity.restarts, withinMs: restart.intensity.within },
      giveUp: restart.giveUp,
    },
    stop: {
      timeoutMs: stop.timeout,
      lingerMs: stop.linger ?? Math.min(5_000, stop.timeout),
      delayMs: stop.delay,
      closeSpreadMs: stop.closeSpread ?? Math.min(5_000, stop.timeout / 2),
      drain: stop.drain,
      signal: stop.signal,
    },
    control: {
      socket: control.socket === undefined ? undefined : within(['control', 'socket'], control.socket),
      mode: control.mode,
      readers: control.readers,
      watchConfig: control.watchConfig,
    },
    metrics: {
      listen: metrics.listen ? [absolute(metrics.listen, (path) => within(['metrics', 'listen'], path))] : [],
    },
    logs: {
      mode: logs.mode,
      format: logs.format === 'auto' ? (terminal ? 'pretty' : 'json') : logs.format,
      level: logs.level,
      file: logs.file === undefined ? undefined : within(['logs', 'file'], logs.file),
      rotate: { size: logs.rotate.size, keep: logs.rotate.keep },
      access: logs.access,
      accessFile: logs.accessFile === undefined ? undefined : within(['logs', 'accessFile'], logs.accessFile),
    },
    pidFile: checked.pidFile === undefined ? undefined : from('pidFile', checked.pidFile),
    after: checked.after,
    errors: {
      dir: errors.dir === undefined ? undefined : within(['errors', 'dir'], errors.dir),
      keepMs: errors.keep,
      redact: errors.redact,
    },
    recycle: { schedule: recycle.schedule, timeZone: recycle.timeZone },
    watch: {
      program: watch.program,
      paths: watch.paths.map((path) => within(['watch', 'paths'], path)),
      ignore: watch.ignore.map((path) => within(['watch', 'ignore'], path)),
      debounceMs: watch.debounce,
      release: watch.release === undefined ? undefined : within(['watch', 'release'], watch.release),
    },
    user: checked.user,
    group: checked.group,
    agent: {
      listen: checked.agent.listen.map((address) =>
        'path' in address ? { path: from('agent', address.path) } : address,
      ),
    },
    registry: {
      address: registry.address ?? addressFor(checked.listen) ?? '',
      weight: registry.weight,
      etcd: {
        endpoints: registry.etcd.endpoints,
        prefix: registry.etcd.prefix,
        ttlMs: registry.etcd.ttl,
        user: registry.etcd.user,
        ...secretFiles((name) => {
          const path = registry.etcd[name];
          return path === undefined ? undefined : within(['registry', 'etcd', name], path);
        }),
      },
    },
    hooks: { onIncident: hooks.onIncident },
  };
}

const absolute = (address: ListenAddress, from: (path: string) => string): ListenAddress =>
  'path' in address ? { path: from(address.path) } : address;

/** Where clients would reach what listens there. A machine with one name has one such address. */
export function addressFor(listen: readonly ListenAddress[]): string | undefined {
  for (const address of listen) {
    if (!('port' in address) || address.port === 0) continue;
    const anywhere = address.host === undefined || address.host === '0.0.0.0' || address.host === '::';
    return addressWords({ host: anywhere ? hostname() : address.host, port: address.port });
  }
  return undefined;
}

const secretFiles = (path: (name: 'passwordFile' | 'ca' | 'cert' | 'key') => string | undefined) => ({
  passwordFile: path('passwordFile'),
  ca: path('ca'),
  cert: path('cert'),
  key: path('key'),
});

/** A file may be called anything; a name is part of paths and log lines. */
export const nameOf = (script: string): string =>
  parse(script)
    .name.replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 63) || 'app';

function numberOfWorkers(wanted: number | string, cores: number): number {
  if (typeof wanted === 'number') return wanted;
  const share = wanted.endsWith('%')
    ? (cores * Number.parseInt(wanted, 10)) / 100
    : cores - Number(wanted.slice('max-'.length));
  return Math.max(1, Math.round(share));
}
