// `cordon start`: from what was typed to a Config, and from there it is the supervisor's.

import { realpathSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import v8 from 'node:v8';
import { isPort } from '../config/address.js';
import type { Config } from '../config/config.js';
import { isConfigName } from '../config/file.js';
import { type Loaded, loadApps, oneOf } from '../config/load.js';
import type { Path, Problem, Source } from '../config/problem.js';
import { refusal } from '../config/problem.js';
import { asNumber } from '../config/tree.js';
import type { About } from '../supervisor/index.js';
import { isInvited, takeInvitation } from '../supervisor/systemd/invitation.js';
import type { Service } from '../supervisor/systemd/service.js';
import type { Predecessor } from '../supervisor/upgrade/predecessor.js';

import { say } from './complain.js';

export interface StartFlags {
  readonly name?: string;
  readonly workers?: string;
  readonly config?: string;
  readonly port?: string;
  readonly listen?: readonly string[];
  readonly env?: readonly string[];
  readonly envFile?: readonly string[];
  readonly mode?: string;
  readonly only?: string;
  readonly cwd?: string;
  readonly nodeArgs?: readonly string[];
  readonly ready?: string;
  readonly readyTimeout?: string;
  readonly killTimeout?: string;
  readonly stopTimeout?: string;
  readonly maxMemory?: string;
  readonly maxRequests?: string;
  readonly maxLifetime?: string;
  readonly watch?: boolean;
  readonly watchPath?: readonly string[];
  readonly daemon?: boolean;
  readonly logFormat?: string;
  readonly logLevel?: string;
}

export interface StartLine {
  /** A script or a configuration. */
  readonly target: string | undefined;
  /** The script's own arguments. */
  readonly args: readonly string[];
  readonly flags: StartFlags;
}

/** Runs until the fleet has stopped; gives the exit code. */
export async function start(line: StartLine, about: { version: string }): Promise<number> {
  const folder = standpoint();
  const predecessor = await predecessorOf(about.version);
  const service = await serviceOf(predecessor !== undefined);
  try {
    const { apps, file } = await configsOf(line, folder, (note) => say(note, 'warn'));
    const { supervise } = await import('../supervisor/index.js');
    const reread: About['reread'] = async (environment, other) =>
      (await configsOf(other === undefined ? line : of(other, line), folder, () => undefined, environment)).apps;
    stayYoung();
    return await supervise(apps, { ...about, folder, predecessor, service, file, reread });
  } catch (error) {
    await predecessor?.failed((error as Error).message);
    await service?.failed(error);
    throw error;
  }
}

/** `words` are the same command line, for the process that becomes the supervisor. */
export async function startInBackground(line: StartLine, words: readonly string[]): Promise<number> {
  const { apps } = await configsOf(line, standpoint());
  const { daemonise } = await import('./daemon.js');
  return daemonise(apps, words);
}

/** Whoever started this process so that it takes over from it. */
async function predecessorOf(version: string): Promise<Predecessor | undefined> {
  if (process.env['CORDON_UPGRADE'] === undefined) return undefined;
  const { predecessor } = await import('../supervisor/upgrade/predecessor.js');
  return predecessor(version);
}

/** systemd, where it has started this process. Before anything else is started: what it says is meant for nobody else. */
async function serviceOf(follows: boolean): Promise<Service | undefined> {
  if (!isInvited(process.env)) return undefined;
  const { Service } = await import('../supervisor/systemd/service.js');
  return new Service(takeInvitation(process.env, process.pid), follows);
}

/** Where the operator stands, as they got there: a symbolic link may lead to another release by the next reload. */
export function standpoint(): string {
  const { PWD } = process.env;
  try {
    return PWD !== undefined && isAbsolute(PWD) && realpathSync(PWD) === process.cwd() ? PWD : process.cwd();
  } catch {
    return process.cwd();
  }
}

/** The same line, with another configuration. */
const of = (file: string, { target, flags, ...line }: StartLine): StartLine =>
  target !== undefined && isConfigName(target)
    ? { ...line, target: undefined, flags: { ...flags, config: file } }
    : { ...line, target, flags: { ...flags, config: file } };

/** Of the only app. @throws {OperatorError} where there are several. */
export async function configOf(line: StartLine, folder: string): Promise<Config> {
  const isNamed = line.flags.config !== undefined || (line.target !== undefined && isConfigName(line.target));
  return oneOf(await configsOf(line, folder), isNamed);
}

/** Of every app that the line is about. */
async function configsOf(
  { target, args, flags }: StartLine,
  folder: string,
  tell: (note: string) => void = () => undefined,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<Loaded> {
  const asFile = target !== undefined && isConfigName(target);
  if (asFile && flags.config !== undefined) {
    throw refusal([
      { origin: 'flags', says: `--config: expected one configuration, got ${flags.config} and ${target}` },
    ]);
  }
  const loaded = await loadApps({
    file: asFile ? target : flags.config,
    flags: flagSource(flags, asFile ? undefined : target, args, folder),
    environment,
    folder,
    terminal: process.stdout.isTTY,
    mode: flags.mode,
    only: flags.only,
  });
  for (const note of loaded.notes) tell(note);
  return loaded;
}

/**
 * What the supervisor makes is gone the next moment. V8 would all the same keep more and more room for it, by Node up to 128 MB, as
 * soon as much comes in at once: with what it has by now, a storm of errors costs some more collections, and no memory.
 */
const stayYoung = (): void => v8.setFlagsFromString('--semi-space-growth-factor=1');

/** The flag that sets each key. */
const flagOf: readonly (readonly [flag: string, path: Path])[] = [
  ['script', ['script']],
  ['arguments', ['args']],
  ['--name', ['name']],
  ['--workers', ['workers']],
  ['--listen', ['listen']],
  ['--port', ['env', 'PORT']],
  ['--env', ['env']],
  ['--env-file', ['envFile']],
  ['--mode', ['mode']],
  ['--cwd', ['cwd']],
  ['--node-args', ['nodeArgs']],
  ['--ready', ['ready', 'on']],
  ['--ready-timeout', ['ready', 'timeout']],
  ['--kill-timeout', ['fault', 'killTimeout']],
  ['--stop-timeout', ['stop', 'timeout']],
  ['--max-memory', ['limits', 'memory']],
  ['--max-requests', ['limits', 'requests']],
  ['--max-lifetime', ['limits', 'lifetime']],
  ['--watch', ['watch', 'program']],
  ['--watch-path', ['watch', 'paths']],
  ['--log-format', ['logs', 'format']],
  ['--log-level', ['logs', 'level']],
];

export function flagSource(
  flags: StartFlags,
  script: string | undefined,
  args: readonly string[],
  folder: string,
): Source {
  return {
    origin: 'flags',
    folder,
    value: {
      name: flags.name,
      script,
      args: args.length > 0 ? args : undefined,
      cwd: flags.cwd,
      nodeArgs: flags.nodeArgs?.flatMap((words) => words.split(/\s+/).filter((word) => word !== '')),
      env: Object.fromEntries(variablesOf(flags)),
      envFile: flags.envFile,
      workers: flags.workers === undefined ? undefined : asNumber(flags.workers),
      listen: flags.listen,
      ready: { on: flags.ready, timeout: flags.readyTimeout },
      fault: { killTimeout: flags.killTimeout },
      stop: { timeout: flags.stopTimeout },
      limits: {
        memory: flags.maxMemory,
        requests: flags.maxRequests === undefined ? undefined : asNumber(flags.maxRequests),
        lifetime: flags.maxLifetime,
      },
      watch: { program: flags.watch || flags.watchPath ? true : undefined, paths: flags.watchPath },
      logs: { format: flags.logFormat, level: flags.logLevel },
    },
    problems: [...portProblems(flags), ...variableProblems(flags)],
    place: (path) => flagOf.find(([, set]) => set.every((key, i) => path[i] === key))?.[0] ?? 'command line',
  };
}

/** `KEY=VALUE`, cut at the first `=`. */
function variablesOf({ port, env = [] }: StartFlags): (readonly [string, string])[] {
  const pairs = env.map(
    (pair) => [pair.slice(0, Math.max(0, pair.indexOf('='))), pair.slice(pair.indexOf('=') + 1)] as const,
  );
  return [...pairs.filter(([name]) => name !== ''), ...(port === undefined ? [] : [['PORT', port] as const])];
}

function portProblems({ port, env = [] }: StartFlags): Problem[] {
  if (port === undefined) return [];
  if (!isPort(port))
    return [{ origin: 'flags', says: `--port: expected a port from 0 to 65535, got ${JSON.stringify(port)}` }];
  const other = env.some((pair) => pair.startsWith('PORT=') && pair !== `PORT=${port}`);
  return other ? [{ origin: 'flags', says: '--port: expected one PORT, got another one from --env' }] : [];
}

/** What was got is not shown: it may be a secret with its name forgotten. */
const variableProblems = ({ env = [] }: StartFlags): Problem[] =>
  env
    .filter((pair) => pair.indexOf('=') < 1)
    .map((pair) => ({
      origin: 'flags',
      says: `--env: expected KEY=VALUE, got a text ${pair.startsWith('=') ? 'without a name before "="' : 'without "="'}`,
    }));
