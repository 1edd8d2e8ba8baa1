// One supervisor to a name: whoever holds the socket's path has it. The socket is bound beside its place and linked into it, which
// fails where another one is; a socket that nobody answers at is set aside first, and looked at again where nobody else can reach it.
import { chmodSync, chownSync, linkSync, lstatSync, renameSync, rmSync, type Stats } from 'node:fs';
import type { Server } from 'node:http';
import net from 'node:net';
import { dirname, join } from 'node:path';
import { ExitCode, OperatorError } from '../../config/exit-code.js';
import { checkLength } from './path.js';

/** Of several that wait beside their places, each has a name of its own. */
let claims = 0;

export interface Access {
  readonly mode: number;
  /** Of the group that is let in, where it is not the supervisor's own. */
  readonly group?: number;
}

export interface Claim {
  /** Puts a socket into its place that waited beside it, over the one of a predecessor. */
  take(): void;
  /** Takes the path back, where it is still ours. */
  release(): void;
}

/**
 * `server` listens at `path` from now on; where it `follows` another, beside it until it is told to take the place.
 * @throws {OperatorError} with `alreadyRunning` where somebody answers there.
 */
export async function claim(server: Server, path: string, { mode, group }: Access, follows = false): Promise<Claim> {
  checkLength(path);
  const beside = checkLength(join(dirname(path), `.${process.pid}.${claims++}`));
  rmSync(beside, { force: true });
  await listen(server, beside, path);
  try {
    if (group !== undefined) chownSync(beside, -1, group);
    chmodSync(beside, mode);
    const ours = lstatSync(beside);
    if (!follows) await place(beside, path);
    return {
      take: () => {
        if (follows) renameSync(beside, path);
      },
      release: () => {
        for (const one of [path, beside])
          if (isSame(lstatSync(one, { throwIfNoEntry: false }), ours)) rmSync(one, { force: true });
      },
    };
  } catch (error) {
    server.close();
    throw error instanceof OperatorError ? error : failed(path, error as NodeJS.ErrnoException);
  } finally {
    if (!follows) rmSync(beside, { force: true });
  }
}

const isSame = (one: Stats | undefined, other: Stats): boolean => one?.ino === other.ino && one.dev === other.dev;

/** Born with no rights for anyone but us: a socket is bound while `listen` runs, and the mode is widened afterwards. */
function listen(server: Server, at: string, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException): void => reject(failed(path, error));
    server.once('error', refuse);
    const before = process.umask(0o177);
    try {
      server.listen(at, () => {
        server.removeListener('error', refuse);
        resolve();
      });
    } finally {
      process.umask(before);
    }
  });
}

async function place(beside: string, path: string): Promise<void> {
  for (;;) {
    try {
      return linkSync(beside, path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found === undefined) continue;
    if (!found.isSocket()) throw taken(path);
    if (await answers(path)) throw running(path);
    await setAside(path, `${beside}x`);
  }
}

/** Two may find the same old socket: what is moved away must still be the old one, or it goes back. */
async function setAside(path: string, aside: string): Promise<void> {
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  try {
    if (!(await answers(aside))) return;
    linkSync(aside, path);
    throw running(path);
  } finally {
    rmSync(aside, { force: true });
  }
}

/** Only a refusal says that nobody is there; a supervisor that is too busy to answer is one all the same. */
export const answers = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = net.connect({ path });
    const decide = (is: boolean) => (): void => {
      socket.destroy();
      resolve(is);
    };
    socket.once('connect', decide(true));
    socket.once('error', ({ code }: NodeJS.ErrnoException) => decide(code !== 'ECONNREFUSED' && code !== 'ENOENT')());
  });

const running = (path: string): OperatorError =>
  new OperatorError(
    `already running: a supervisor answers at ${path}. Stop it with \`cordon stop\`, or give this one another --name.`,
    ExitCode.alreadyRunning,
  );

const taken = (path: string): OperatorError =>
  new OperatorError(
    `control socket ${path}: something else is there, which is no socket. Remove it.`,
    ExitCode.cannotCreate,
  );

const failed = (path: string, { code = 'unknown error' }: NodeJS.ErrnoException): OperatorError =>
  new OperatorError(
    `control socket ${path}: cannot be made (${code}). Choose another place with control.socket.`,
    code === 'EACCES' || code === 'EPERM' ? ExitCode.permission : ExitCode.cannotCreate,
  );
