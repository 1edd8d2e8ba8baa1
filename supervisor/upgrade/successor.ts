// The successor of this supervisor, as its predecessor sees it: a process that is given the listening sockets, boots its own fleets
// beside the old ones, and says so. Until it has, nothing here has changed; a successor that fails or is silent is ended, and
// nobody has noticed. After tableflip (cloudflare/tableflip) and nginx's change of binaries.
import { type ChildProcess, spawn } from 'node:child_process';
import type { Inherited } from '../inheritance.js';
import type { Heritage } from '../systemd/service.js';
import { type FromSuccessor, heard, type ToSuccessor, UPGRADE_VARIABLE, type Will } from './protocol.js';

/** From its start until it says hello: a Node that starts, no more. */
const HELLO_MS = 15_000;

/**
 * systemd waits for a main process only where that is its own child, and asks just once, when it is named: any other it would kill
 * as soon as it has told it to stop. So a shell starts the successor and leaves, and init adopts it.
 */
const ADOPTED_BY_INIT = ['/bin/sh', '-c', '"$@" &', 'sh'] as const;

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** Where it starts; a symbolic link in it is followed anew. Undefined: where this process stands. */
  readonly folder: string | undefined;
}

export type Upgraded =
  | {
      readonly ok: true;
      readonly pid: number;
      readonly version: string;
      readonly node: string;
      readonly child: ChildProcess;
      /** Tells it that it leads from now on. */
      readonly promote: (maintained: readonly string[]) => void;
    }
  | { readonly ok: false; readonly why: string };

/**
 * Starts a successor and waits until it is ready.
 * @param apps what it is told of each.
 * @param readyMs from its hello until it must be ready.
 * @param signal aborted where the upgrade is called off: the successor is ended.
 */
export function succeed(
  { file, args, folder }: Command,
  inheritance: readonly Inherited[],
  apps: readonly Will[],
  heritage: Heritage | undefined,
  readyMs: number,
  signal: AbortSignal,
): Promise<Upgraded> {
  return new Promise((resolve) => {
    const [program, ...words] = heritage === undefined ? [file, ...args] : [...ADOPTED_BY_INIT, file, ...args];
    const child = spawn(program, words, {
      ...(folder !== undefined && { cwd: folder }),
      env: {
        ...process.env,
        ...(folder !== undefined && { PWD: folder }),
        ...heritage?.environment,
        [UPGRADE_VARIABLE]: '1',
      },
      stdio: [
        'ignore',
        'inherit',
        'inherit',
        'ipc',
        ...inheritance.map(({ fd }) => fd),
        ...(heritage?.descriptors ?? []),
      ],
    });
    let hello: Extract<FromSuccessor, { cordon: 'hello' }> | undefined;
    let why: string | undefined;
    let timer = setTimeout(
      () => settle({ ok: false, why: `it did not say a word within ${HELLO_MS / 1000} s` }),
      HELLO_MS,
    );

    const settle = (outcome: Upgraded): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', called);
      child.removeListener('message', hear).removeListener('error', failed);
      child.removeListener('exit', exited).removeListener('disconnect', vanished);
      child.on('error', () => {});
      // Of a shell that has left only the number is left, and it may be another's by now.
      if (!outcome.ok) end(child, hello?.pid ?? (child.exitCode === null ? child.pid : undefined));
      resolve(outcome);
    };
    const called = (): void => settle({ ok: false, why: 'it was called off' });
    const failed = (error: Error): void => settle({ ok: false, why: `${file} could not be started: ${error.message}` });
    const exited = (code: number | null, by: string | null): void =>
      settle({ ok: false, why: why ?? `it ended before it was ready (${by ?? `exit code ${code}`})` });
    /** It has no parent here that would be told how it ended. */
    const vanished = (): void => settle({ ok: false, why: why ?? 'it ended before it was ready' });
    const hear = (message: unknown): void => {
      const word = heard(message);
      if (word?.cordon !== 'hello' && word?.cordon !== 'failed' && word?.cordon !== 'ready') return;
      switch (word.cordon) {
        case 'hello':
          hello = word;
          clearTimeout(timer);
          timer = setTimeout(() => settle({ ok: false, why: `it was not ready within ${readyMs / 1000} s` }), readyMs);
          return tell(child, {
            cordon: 'inherit',
            sockets: inheritance.map(({ heirloom }) => heirloom),
            ...(apps.length === 1 && { scale: apps[0]?.scale }),
            apps,
          });
        case 'failed':
          why = word.why;
          return;
        case 'ready':
          if (child.pid === undefined || hello === undefined) return;
          return settle({
            ok: true,
            pid: hello.pid ?? child.pid,
            version: hello.version,
            node: hello.node,
            child,
            promote: (maintained) =>
              tell(child, { cordon: 'lead', maintenance: maintained.length === apps.length, maintained }),
          });
      }
    };
    child.on('message', hear).once('error', failed);
    if (heritage === undefined) child.once('exit', exited);
    else child.once('disconnect', vanished);
    signal.addEventListener('abort', called);
    if (signal.aborted) called();
  });
}

const tell = (child: ChildProcess, message: ToSuccessor): void => {
  if (child.connected) child.send(message, () => {});
};

/** Its workers see that it is gone, and go. */
function end(child: ChildProcess, pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
  if (child.connected) child.disconnect();
}
