// `cordon systemd`: the units that run a fleet as a service; shown, put in their place, taken away again.
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Config } from '../config/config.js';
import { ExitCode, OperatorError } from '../config/exit-code.js';
import { homeOf } from '../config/home.js';
import { say } from './complain.js';
import { configOf, type StartFlags, standpoint } from './start.js';
import { MARK, serviceUnit, socketUnit, type UnitWish } from './systemd/unit.js';
import { APPS, template, wishOf } from './systemd/wish.js';

export interface SystemdFlags extends Pick<StartFlags, 'name' | 'listen' | 'mode' | 'only'> {
  readonly user?: boolean;
  readonly runAs?: string;
  readonly forSystemd?: string;
  readonly template?: boolean;
  readonly now?: boolean;
}

/** What a systemd that is not there, or says nothing, is taken for: the oldest that this was tried with. */
const OLDEST = 252;

const run = promisify(execFile);

export async function systemd(what: string, target: string | undefined, flags: SystemdFlags): Promise<ExitCode> {
  switch (what) {
    case 'print':
      return print(await unitsOf(target, flags));
    case 'install':
      return install(await unitsOf(target, flags), flags);
    case 'uninstall':
      return uninstall(target, flags);
    default:
      throw new OperatorError(
        `expected \`cordon systemd print\`, \`install\` or \`uninstall\`, got "${what}"`,
        ExitCode.usage,
      );
  }
}

interface Unit {
  readonly file: string;
  readonly text: string;
}

async function unitsOf(target: string | undefined, flags: SystemdFlags): Promise<Unit[]> {
  const version = flags.forSystemd === undefined ? await installedVersion() : Number(flags.forSystemd);
  if (!Number.isInteger(version) || version < OLDEST)
    throw new OperatorError(
      `--for-systemd: expected a version from ${OLDEST} on, got ${flags.forSystemd ?? version}`,
      ExitCode.usage,
    );
  const command = { node: realpathSync(process.execPath), cordon: fileURLToPath(new URL('main.js', import.meta.url)) };
  const wish = flags.template
    ? template(flags, { ...command, version })
    : wishOf(await loaded(target, flags), flags, { ...command, version, folder: standpoint(), target });
  for (const file of [wish.node, wish.cordon, wish.folder]) visible(file, wish);
  const socket = socketUnit(wish);
  return [
    { file: flags.template ? 'cordon@.service' : `${wish.name}.service`, text: serviceUnit(wish) },
    ...(socket === undefined ? [] : [{ file: `${wish.name}.socket`, text: socket }]),
  ];
}

const loaded = (target: string | undefined, { name, listen, mode, only }: SystemdFlags): Promise<Config> =>
  configOf(
    {
      target,
      args: [],
      flags: {
        ...(name !== undefined && { name }),
        ...(listen !== undefined && { listen }),
        ...(mode !== undefined && { mode }),
        ...(only !== undefined && { only }),
      },
    },
    standpoint(),
  );

/** The unit has a /tmp of its own, and finds nothing there. */
function visible(file: string, { ofUser }: UnitWish): void {
  if (ofUser || !/^\/(?:var\/)?tmp\//.test(file)) return;
  throw new OperatorError(
    `${file} lies in a temporary folder, which a service cannot see (PrivateTmp=yes): put it somewhere else, such as ${APPS}`,
    ExitCode.usage,
  );
}

async function installedVersion(): Promise<number> {
  try {
    const { stdout } = await run('systemctl', ['--version']);
    return Math.max(OLDEST, Number(/^systemd (\d+)/.exec(stdout)?.[1] ?? OLDEST));
  } catch {
    return OLDEST;
  }
}

function print(units: readonly Unit[]): ExitCode {
  for (const { file, text } of units) process.stdout.write(units.length > 1 ? `# ${file}\n${text}\n` : text);
  return ExitCode.ok;
}

const folderOf = ({ user = false }: SystemdFlags): string =>
  user
    ? path.join(process.env['XDG_CONFIG_HOME'] || path.join(homeOf(), '.config'), 'systemd/user')
    : '/etc/systemd/system';

async function install(units: readonly Unit[], flags: SystemdFlags): Promise<ExitCode> {
  const folder = folderOf(flags);
  const files = units.map(({ file, text }) => ({ file: path.join(folder, file), text }));
  for (const { file } of files) ours(file);
  try {
    mkdirSync(folder, { recursive: true });
    for (const { file, text } of files) writeFileSync(file, text);
  } catch (error) {
    throw cannot('write', folder, error as NodeJS.ErrnoException);
  }
  await systemctl(flags, 'daemon-reload');
  for (const { file } of files) say(`wrote ${file}`);
  const names = units.map(({ file }) => file).filter((file) => !file.includes('@'));
  if (flags.now && names.length > 0) await systemctl(flags, 'enable', '--now', ...names.toReversed());
  else if (names.length > 0)
    say(`to start it, now and at each boot: systemctl${flags.user ? ' --user' : ''} enable --now ${names.join(' ')}`);
  else say('to start the fleet of /srv/<name>: systemctl enable --now cordon@<name>');
  return ExitCode.ok;
}

async function uninstall(name: string | undefined, flags: SystemdFlags): Promise<ExitCode> {
  const wanted = name ?? flags.name;
  if (wanted === undefined && !flags.template)
    throw new OperatorError('expected the name of a service: `cordon systemd uninstall <name>`', ExitCode.usage);
  const folder = folderOf(flags);
  const files = (flags.template ? ['cordon@.service'] : [`${wanted}.socket`, `${wanted}.service`]).filter((file) =>
    ours(path.join(folder, file)),
  );
  if (files.length === 0)
    throw new OperatorError(`there is no ${wanted ?? 'cordon@'}.service in ${folder}`, ExitCode.unavailable);
  if (!flags.template) await systemctl(flags, 'disable', '--now', ...files);
  try {
    for (const file of files) rmSync(path.join(folder, file));
  } catch (error) {
    throw cannot('remove files in', folder, error as NodeJS.ErrnoException);
  }
  await systemctl(flags, 'daemon-reload');
  for (const file of files) say(`removed ${path.join(folder, file)}`);
  return ExitCode.ok;
}

/** Whether it is there and was written by this command. One that was not is never touched. */
function ours(file: string): boolean {
  let before: string;
  try {
    before = readFileSync(file, 'utf8');
  } catch {
    return false;
  }
  if (before.startsWith(MARK)) return true;
  throw new OperatorError(
    `${file} was not written by \`cordon systemd\`, and is left alone: remove it, or choose another --name`,
    ExitCode.cannotCreate,
  );
}

async function systemctl({ user = false }: SystemdFlags, ...args: readonly string[]): Promise<void> {
  try {
    await run('systemctl', [...(user ? ['--user'] : []), ...args]);
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string };
    throw new OperatorError(
      `systemctl ${args.join(' ')} failed: ${(stderr || message).trim().replaceAll('\n', ' ')}`,
      ExitCode.failed,
    );
  }
}

const cannot = (what: string, folder: string, { code, message }: NodeJS.ErrnoException): OperatorError =>
  code === 'EACCES' || code === 'EPERM'
    ? new OperatorError(
        `cannot ${what} ${folder}: permission denied (${code}). Run it as root, or with --user for a service of your own.`,
        ExitCode.permission,
      )
    : new OperatorError(`cannot ${what} ${folder}: ${message}`, ExitCode.cannotCreate);
