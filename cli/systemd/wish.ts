// What a unit is to be, from a configuration and what was typed. Pure.
import { isIP } from 'node:net';
import path from 'node:path';
import type { Config, ListenAddress } from '../../config/config.js';
import { ExitCode, OperatorError } from '../../config/exit-code.js';
import { account } from '../../config/forms.js';
import { INSTANCE, type UnitWish } from './unit.js';

/** Where the template looks for the fleet of an instance. */
export const APPS = '/srv';

export interface Typed {
  readonly name?: string;
  readonly listen?: readonly string[];
  readonly mode?: string;
  readonly only?: string;
  readonly user?: boolean;
  readonly runAs?: string;
}

export interface Circumstances extends Pick<UnitWish, 'node' | 'cordon' | 'version' | 'folder'> {
  /** A script or a configuration, as it was typed. */
  readonly target: string | undefined;
}

/** @throws {OperatorError} where two users are wanted. */
export function wishOf(config: Config, typed: Typed, { target, ...circumstances }: Circumstances): UnitWish {
  const { name, mode, only, listen = [], runAs, user: ofUser = false } = typed;
  return {
    ...circumstances,
    name: config.name,
    ...identityOf(runAs, config),
    ofUser,
    start: [
      ...(target === undefined ? [] : [path.resolve(circumstances.folder, target)]),
      ...(name === undefined ? [] : ['--name', name]),
      ...(mode === undefined ? [] : ['--mode', mode]),
      ...(only === undefined ? [] : ['--only', only]),
      ...listen.flatMap((address) => ['--listen', address]),
    ],
    listen: config.listen.filter(canBeLent),
    lowPort: ownPorts(config).some((port) => port > 0 && port < 1024),
    written: writtenBy(config),
    readyMs: config.ready.timeoutMs + (config.before.command.length === 0 ? 0 : config.before.timeoutMs),
    stopMs: config.stop.delayMs + config.stop.timeoutMs,
  };
}

export const template = (
  { runAs, user: ofUser = false }: Typed,
  circumstances: Pick<UnitWish, 'node' | 'cordon' | 'version'>,
): UnitWish => ({
  ...circumstances,
  ...identityOf(runAs, { user: undefined, group: undefined }),
  name: INSTANCE,
  ofUser,
  start: ['--name', INSTANCE],
  folder: `${APPS}/${INSTANCE}`,
  listen: [],
  lowPort: false,
  written: [],
  readyMs: 30_000,
  stopMs: 30_000,
});

/** Whom the configuration names, systemd makes of the service from the start: a unit that is hardened lets nobody become somebody else. */
function identityOf(
  runAs: string | undefined,
  { user, group }: Pick<Config, 'user' | 'group'>,
): Pick<UnitWish, 'user' | 'group'> {
  if (runAs === undefined) return { user, group };
  const [who, theirs, ...more] = runAs.split(':');
  // `User=` without a name is root.
  if (more.length > 0 || ![who, theirs].every((one) => one === undefined || account.test(one)))
    throw new OperatorError(
      `--run-as: expected a user, or user:group, by name or number, got ${JSON.stringify(runAs)}`,
      ExitCode.usage,
    );
  if (user !== undefined && (who !== user || (theirs !== undefined && theirs !== group)))
    throw new OperatorError(
      `--run-as: expected ${user}${group === undefined ? '' : `:${group}`}, whom the configuration names as its \`user\`, got ${runAs}. Leave one of them out.`,
      ExitCode.usage,
    );
  return { user: who, group: theirs ?? group };
}

/** systemd resolves no host names, and a port of its own choice would be known to nobody. */
const canBeLent = (address: ListenAddress): boolean =>
  'path' in address ||
  ('host' in address && address.port !== 0 && (address.host === undefined || isIP(address.host) !== 0));

/** What no socket unit binds. */
function ownPorts({ listen, env, agent, metrics }: Config): number[] {
  const lent = portsOf(listen.filter(canBeLent));
  const asked = env['PORT'] === undefined ? [] : [Number(env['PORT'])];
  return [
    ...[...asked, ...portsOf(listen)].filter((port) => !lent.includes(port)),
    ...portsOf(agent.listen),
    ...portsOf(metrics.listen),
  ];
}

const portsOf = (all: readonly ListenAddress[]): number[] =>
  all.flatMap((address) => ('port' in address ? address.port : []));

function writtenBy({ logs, errors, pidFile, control }: Config): string[] {
  const files = [logs.file, logs.accessFile, pidFile, control.socket].flatMap((file) => file ?? []);
  return [...files.map((file) => path.dirname(file)), ...(errors.dir === undefined ? [] : [errors.dir])];
}
