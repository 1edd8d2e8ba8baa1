// Where a supervisor's control socket is, for the one that opens it and for the commands that look for it.
import { chmodSync, lstatSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ExitCode, OperatorError } from '../../config/exit-code.js';

/** What the kernel takes. Node 20 cuts a longer path without a word. */
export const longestPathBytes = 107;

type Environment = Readonly<Record<string, string | undefined>>;

/** A folder for sockets, and whether cordon makes it, or finds it made by systemd. */
export interface Folder {
  readonly path: string;
  readonly given: boolean;
}

/** `$RUNTIME_DIRECTORY` (systemd may name several: the first), else `$XDG_RUNTIME_DIR/cordon`, else one under the temporary directory. */
export function controlFolder(environment: Environment = process.env, uid: number = userId()): Folder {
  const given = environment['RUNTIME_DIRECTORY']?.split(':')[0];
  if (given) return { path: given, given: true };
  const runtime = environment['XDG_RUNTIME_DIR'];
  if (runtime) return { path: join(runtime, 'cordon'), given: false };
  return { path: join(tmpdir(), `cordon-${uid}`), given: false };
}

/** Where commands look: they may run with another environment than the supervisor's (a unit's, a login's, cron's). */
export function searchFolders(environment: Environment = process.env, uid: number = userId()): string[] {
  const { path } = controlFolder(environment, uid);
  const others = environment['XDG_RUNTIME_DIR']
    ? [join(environment['XDG_RUNTIME_DIR'], 'cordon')]
    : [join('/run/user', String(uid), 'cordon')];
  return [...new Set([path, ...others, join(tmpdir(), `cordon-${uid}`), '/run/cordon'])];
}

export const socketName = (name: string): string => `${name}.sock`;
/** Of the socket that only reads. No fleet's name ends so, as it would have to end in `.sock` twice. */
export const readersName = (socket: string): string => socket.replace(/(?:\.sock)?$/, '.read.sock');

const userId = (): number => process.getuid?.() ?? 0;

/** Refuses a path that the kernel would not take. */
export function checkLength(path: string): string {
  const bytes = Buffer.byteLength(path);
  if (bytes <= longestPathBytes) return path;
  throw new OperatorError(
    `control socket ${path}: expected a path of at most ${longestPathBytes} bytes, got ${bytes}. Give a shorter one as control.socket, or a shorter --name.`,
    ExitCode.cannotCreate,
  );
}

/**
 * Makes the folder, or makes sure that it is ours: a folder, no symlink to one, our own, and writable by nobody else.
 * `open` lets others through it to a socket that lets them in: they can enter by name, and list nothing.
 */
export function prepareFolder({ path, given }: Folder, open: boolean): void {
  const mode = open ? 0o711 : 0o700;
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw cannotMake(path, error as NodeJS.ErrnoException);
  }
  const why = unsafety(path);
  if (why !== undefined) throw unsafe(path, why);
  const found = lstatSync(path);
  // What systemd made has the mode that its unit says. Ours is never looser than it must be; a second fleet may need it open.
  if (!given && (open || (found.mode & 0o066) !== 0)) chmodSync(path, mode);
}

/** Why no socket may be put into this folder; undefined where one may. */
export function unsafety(path: string): string | undefined {
  const found = lstatSync(path);
  if (found.isSymbolicLink()) return 'it is a symbolic link';
  if (!found.isDirectory()) return 'it is no folder';
  if (found.uid !== userId()) return `it belongs to another user (uid ${found.uid})`;
  return (found.mode & 0o022) === 0 ? undefined : `others may write to it (mode ${octal(found.mode)})`;
}

/** A configured socket lies in somebody's folder: it has to be one where nobody else can replace it. */
export function checkParent(socket: string): void {
  const path = dirname(socket);
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) {
    throw new OperatorError(
      `control socket ${socket}: the folder ${path} does not exist. Make it, or choose another one.`,
      ExitCode.cannotCreate,
    );
  }
  if (found.isSymbolicLink()) throw unsafe(path, 'it is a symbolic link');
  if (found.uid !== userId() && found.uid !== 0) throw unsafe(path, `it belongs to another user (uid ${found.uid})`);
  if ((found.mode & 0o022) !== 0) throw unsafe(path, `others may write to it (mode ${octal(found.mode)})`);
}

const octal = (mode: number): string => (mode & 0o7777).toString(8).padStart(4, '0');

const unsafe = (path: string, why: string): OperatorError =>
  new OperatorError(
    `control socket: ${path} is not safe: ${why}. Remove it, or choose a private folder of your own with control.socket.`,
    ExitCode.permission,
  );

const cannotMake = (path: string, { code = 'unknown error' }: NodeJS.ErrnoException): OperatorError =>
  new OperatorError(
    `control socket: cannot make the folder ${path} (${code}). Choose another place with control.socket.`,
    code === 'EACCES' || code === 'EPERM' ? ExitCode.permission : ExitCode.cannotCreate,
  );
