// What it takes to bring a changed key into a running fleet. The table does not compile while a key of Config is missing in it.
import type { Config } from './config.js';

/**
 * live: at once, no worker is replaced · reload: every worker is replaced, one after the other · restart: only by stopping the
 * supervisor and starting it again.
 */
export type Takes = 'live' | 'reload' | 'restart';

/** The dotted paths of all values in T. Lists and tables of names are values. */
type Leaf<T> = {
  [Key in keyof T & string]: T[Key] extends
    | readonly unknown[]
    | string
    | number
    | boolean
    | undefined
    | { readonly http: string }
    ? Key
    : string extends keyof T[Key]
      ? Key
      : `${Key}.${Leaf<T[Key]>}`;
}[keyof T & string];

/** `secrets` follows from `env`. */
export type ConfigKey = Exclude<Leaf<Config>, 'secrets'>;

export const takes = {
  name: 'restart',
  script: 'reload',
  args: 'reload',
  cwd: 'reload',
  nodeArgs: 'reload',
  env: 'reload',
  workers: 'live',
  listen: 'restart',
  handOver: 'reload',
  balance: 'reload',
  standby: 'live',
  'ready.on': 'reload',
  'ready.timeoutMs': 'live',
  'ready.quorum': 'live',
  'before.command': 'live',
  'before.timeoutMs': 'live',
  'boot.concurrency': 'live',
  'reload.surge': 'live',
  'reload.canary': 'live',
  'reload.bakeMs': 'live',
  'reload.maxErrorRatio': 'live',
  'reload.rollback': 'live',
  'health.beatMs': 'reload',
  'health.hangMs': 'live',
  'health.onHang': 'live',
  'limits.memory': 'live',
  'limits.heap': 'live',
  'limits.requests': 'live',
  'limits.lifetimeMs': 'live',
  'limits.jitter': 'live',
  'fault.killTimeoutMs': 'live',
  'restart.backoff.minMs': 'live',
  'restart.backoff.maxMs': 'live',
  'restart.backoff.factor': 'live',
  'restart.backoff.jitter': 'live',
  'restart.intensity.restarts': 'live',
  'restart.intensity.withinMs': 'live',
  'restart.giveUp': 'live',
  'stop.timeoutMs': 'live',
  'stop.lingerMs': 'live',
  'stop.delayMs': 'live',
  'stop.closeSpreadMs': 'reload',
  'stop.drain': 'reload',
  'stop.signal': 'reload',
  'control.socket': 'restart',
  'control.mode': 'restart',
  'control.readers': 'restart',
  'control.watchConfig': 'live',
  'metrics.listen': 'restart',
  'logs.mode': 'reload',
  'logs.format': 'restart',
  'logs.level': 'live',
  'logs.file': 'restart',
  'logs.rotate.size': 'restart',
  'logs.rotate.keep': 'restart',
  'logs.access': 'reload',
  'logs.accessFile': 'restart',
  'agent.listen': 'restart',
  'recycle.schedule': 'live',
  'recycle.timeZone': 'live',
  'watch.program': 'restart',
  'watch.paths': 'live',
  'watch.ignore': 'live',
  'watch.debounceMs': 'live',
  'watch.release': 'live',
  user: 'restart',
  group: 'restart',
  pidFile: 'restart',
  'errors.dir': 'restart',
  'errors.keepMs': 'restart',
  'errors.redact': 'reload',
  'registry.address': 'restart',
  'registry.weight': 'restart',
  'registry.etcd.endpoints': 'restart',
  'registry.etcd.prefix': 'restart',
  'registry.etcd.ttlMs': 'restart',
  'registry.etcd.user': 'restart',
  'registry.etcd.passwordFile': 'restart',
  'registry.etcd.ca': 'restart',
  'registry.etcd.cert': 'restart',
  'registry.etcd.key': 'restart',
  'hooks.onIncident': 'restart',
  after: 'live',
} as const satisfies Record<ConfigKey, Takes>;
