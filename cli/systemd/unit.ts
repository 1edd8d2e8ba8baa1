// The units that run a fleet as a service of systemd, as text. Pure: for one configuration and one version of systemd. Every key was
// seen to be taken without a complaint by `systemd-analyze verify`, and every restriction to be survived by Node 20 to 26.
import type { ListenAddress } from '../../config/config.js';
import { ExitCode, OperatorError } from '../../config/exit-code.js';

export interface UnitWish {
  /** `INSTANCE` in a template. */
  readonly name: string;
  /** Absolute paths of node and of cordon's own program. */
  readonly node: string;
  readonly cordon: string;
  /** What follows `cordon start`. */
  readonly start: readonly string[];
  /** Absolute. */
  readonly folder: string;
  /** Of systemd: a key that it does not know is a warning at each start. */
  readonly version: number;
  /** Whom the fleet runs as; undefined: a user that systemd makes for it. */
  readonly user: string | undefined;
  readonly group: string | undefined;
  /** A unit of `systemctl --user`. */
  readonly ofUser: boolean;
  /** What the socket unit listens on; empty where there is none. */
  readonly listen: readonly ListenAddress[];
  /** A port below 1024 is bound by the service itself. */
  readonly lowPort: boolean;
  /** Folders of files that the configuration names. Absolute. */
  readonly written: readonly string[];
  readonly readyMs: number;
  readonly stopMs: number;
}

/** Files that were written by this command begin with it; no other file is ever overwritten or removed. */
export const MARK = '# Written by `cordon systemd`';

/** What follows the @ in the name of a template's instance, within words of a unit. No name and no path has this sign. */
export const INSTANCE = '\0';

/** `OpenFile=` is known from here on. */
const OPEN_FILE = 253;

export function serviceUnit(wish: UnitWish): string {
  const { name, listen, folder } = wish;
  const command = [wish.node, wish.cordon];
  const socket = listen.length > 0 ? `${name}.socket` : undefined;
  return text([
    [
      'Unit',
      `Description=${escaped(name)}, run by cordon`,
      'Documentation=man:systemd.service(5)',
      ...(socket ? [`Requires=${socket}`, `After=${socket} network.target`] : ['After=network.target']),
    ],
    [
      'Service',
      'Type=notify',
      ...notifying(wish),
      `ExecStart=${words([...command, 'start', ...wish.start])}`,
      '# Waits for the new generation, and fails where that was rolled back: the old one serves on.',
      `ExecReload=${words([...command, 'reload', name])}`,
      `WorkingDirectory=${escaped(folder)}`,
      '# What workers print has the name of the fleet: journalctl -t <name> shows that, -t cordon the rest.',
      'SyslogIdentifier=cordon',
      '# The supervisor stops its workers by itself; what is left then is killed.',
      'KillMode=mixed',
      '# One worker out of memory is replaced by cordon, and no reason to stop the others.',
      'OOMPolicy=continue',
      'Restart=on-failure',
      'RestartSec=1',
      '# Wrong usage, no permission, a bad configuration: another try changes nothing.',
      'RestartPreventExitStatus=64 77 78',
      'WatchdogSec=30',
      'TimeoutAbortSec=10',
      `TimeoutStartSec=${seconds(wish.readyMs) + 15}`,
      `TimeoutStopSec=${seconds(wish.stopMs) + 10}`,
      `RuntimeDirectory=cordon/${escaped(name)}`,
      'RuntimeDirectoryMode=0700',
      `StateDirectory=cordon/${escaped(name)}`,
      ...(wish.ofUser ? [] : [`LogsDirectory=cordon/${escaped(name)}`]),
      ...writing(wish),
      '# A secret for the program, in the file $CREDENTIALS_DIRECTORY/token:',
      `#LoadCredential=token:/etc/credstore/${escaped(name)}.token`,
    ],
    [undefined, ...(wish.ofUser ? FILTERS : [...identity(wish), ...RESTRICTIONS, ...FILTERS, ...home(wish)])],
    ['Install', ...(socket ? [`Also=${socket}`] : []), `WantedBy=${wish.ofUser ? 'default' : 'multi-user'}.target`],
  ]);
}

export function socketUnit({ name, listen }: UnitWish): string | undefined {
  if (listen.length === 0) return undefined;
  return text([
    ['Unit', `Description=Sockets of ${escaped(name)}`],
    [
      'Socket',
      ...listen.map((address) => `ListenStream=${streamOf(address)}`),
      `FileDescriptorName=${escaped(name)}`,
      'Backlog=511',
      'NoDelay=yes',
    ],
    ['Install', 'WantedBy=sockets.target'],
  ]);
}

function streamOf(address: ListenAddress): string {
  if ('inherited' in address) return '';
  if ('path' in address) return escaped(address.path);
  const { host, port } = address;
  if (host === undefined) return String(port);
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** By an inherited socket where systemd can pass one: no process has to be started to send a word. */
function notifying({ version, user, ofUser }: UnitWish): string[] {
  if (!ofUser && version >= OPEN_FILE) return ['NotifyAccess=main', 'OpenFile=/run/systemd/notify:notify'];
  if (user === 'root') return ['NotifyAccess=main'];
  return [
    '# systemd-notify is a process of its own, and only root may let it pass for the main one.',
    'NotifyAccess=all',
  ];
}

function identity({ user, group, lowPort }: UnitWish): string[] {
  const who = user === undefined ? ['DynamicUser=yes'] : [`User=${user}`, ...(group ? [`Group=${group}`] : [])];
  const port = 'CAP_NET_BIND_SERVICE';
  return [...who, ...(lowPort ? [`AmbientCapabilities=${port}`] : []), `CapabilityBoundingSet=${lowPort ? port : ''}`];
}

/** All else is read-only. A user of systemd has no such restriction. */
function writing({ name, ofUser, written }: UnitWish): string[] {
  const own = ['/run', '/var/lib', '/var/log'].map((above) => `${above}/cordon/${name}`);
  const other = written.filter((folder) => !own.some((one) => folder === one || folder.startsWith(`${one}/`)));
  if (ofUser || other.length === 0) return [];
  return [
    '# The configuration has files there. The user of this unit must be able to write to them.',
    `ReadWritePaths=${[...new Set(other)].map((folder) => quoted(escaped(`-${folder}`))).join(' ')}`,
  ];
}

/** Which take a systemd that is root. */
const RESTRICTIONS = [
  'ProtectSystem=strict',
  'PrivateTmp=yes',
  'PrivateDevices=yes',
  'ProtectKernelTunables=yes',
  'ProtectKernelModules=yes',
  'ProtectKernelLogs=yes',
  'ProtectControlGroups=yes',
  'ProtectClock=yes',
  'ProtectHostname=yes',
  'ProtectProc=invisible',
  'RemoveIPC=yes',
];

const FILTERS = [
  'NoNewPrivileges=yes',
  'RestrictNamespaces=yes',
  'RestrictRealtime=yes',
  'RestrictSUIDSGID=yes',
  'LockPersonality=yes',
  'UMask=0077',
  'RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX',
  'SystemCallArchitectures=native',
  'SystemCallFilter=@system-service',
  'SystemCallFilter=~@privileged @resources',
  '# Node 20 asks for calls that the filter lacks, and can do without them.',
  'SystemCallErrorNumber=EPERM',
  '# Never MemoryDenyWriteExecute=yes: V8 writes code while it runs, and every Node dies of it.',
];

/** Where node or the program lies in a home, homes must be seen; but nothing is ever written there. */
function home({ node, cordon, folder, start }: UnitWish): string[] {
  const inHome = [node, cordon, folder, ...start].some((path) => /^\/(?:home|root|run\/user)(?:\/|$)/.test(path));
  if (!inHome) return ['ProtectHome=yes'];
  return [
    '# Something that is needed lies in a home. The user of this unit must be able to read it.',
    'ProtectHome=read-only',
  ];
}

const seconds = (ms: number): number => Math.ceil(ms / 1000);

/** `%` begins a specifier. */
const escaped = (value: string): string => value.replaceAll('%', '%%').replaceAll(INSTANCE, '%i');

/** As systemd reads a command line: `$` doubled as well. */
const words = (all: readonly string[]): string =>
  all.map((word) => quoted(escaped(word).replaceAll('$', '$$$$'))).join(' ');

/** Quotes where need be, no line breaks. */
function quoted(word: string): string {
  if (/^[\w@%+=:,./$-]+$/.test(word)) return word;
  return `"${word.replace(/["\\]/g, '\\$&').replaceAll('\n', '\\n')}"`;
}

/** @throws {OperatorError} where a word would begin a line of its own. */
function text(sections: readonly (readonly (string | undefined)[])[]): string {
  const broken = sections.flat().find((line) => line !== undefined && /[\r\n]/.test(line));
  if (broken !== undefined)
    throw new OperatorError(
      `a unit cannot have a line break in its words, got ${JSON.stringify(broken)}`,
      ExitCode.usage,
    );
  const parts = sections.map(([title, ...lines]) => [...(title ? [`[${title}]`] : []), ...lines].join('\n'));
  return `${MARK}\n\n${parts.join('\n\n')}\n`;
}
