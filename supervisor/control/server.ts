// The control plane's servers: HTTP over a unix socket for the supervisor's own user, one that only reads for a group, and probes over
// TCP. Whatever reaches them, the fleet does not notice.
import { EventEmitter, once } from 'node:events';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config, ListenAddress } from '../../config/config.js';
import { ExitCode, OperatorError } from '../../config/exit-code.js';
import { createServer } from '../../config/http.js';
import { cannotBind } from '../bind.js';
import { type Access, type Claim, claim } from './claim.js';
import { groupId } from './group.js';
import { checkParent, controlFolder, prepareFolder, readersName, socketName } from './path.js';
import { Refused, refuse } from './reply.js';
import { type Answer, routes } from './routes.js';
import type { Sources } from './sources.js';

const HEADERS_MS = 5_000;
const REQUEST_MS = 10_000;
const IDLE_MS = 5_000;
const INACTIVE_MS = 30_000;
const LOOK_MS = 2_000;
/** For each server. More are closed as they come. */
const MAX_CONNECTIONS = 100;
/** How long the last answers may take to be read when the supervisor ends. */
const GOODBYE_MS = 1_000;

export interface Control {
  /** The control socket; undefined where its default place cannot be used. */
  readonly path: string | undefined;
  /** Why not. */
  readonly why: OperatorError | undefined;
  readonly readers: string | undefined;
  /** From now on there are answers; before, whoever asks waits. */
  serve(sources: Sources): void;
  /** The predecessor is to go: from now on this is where commands go. */
  takeOver(): void;
  /** A successor takes over: the TCP address is given up at once. */
  leave(): void;
  close(): Promise<void>;
}

type Opened = readonly [server: Server, claim: Claim | undefined];

/** @throws {OperatorError} where the name is taken, or a place that was asked for cannot be had. */
export async function openControl(
  { name, control, metrics }: Pick<Config, 'name' | 'control' | 'metrics'>,
  { follows, bug }: { readonly follows: boolean; readonly bug: (error: unknown) => void },
): Promise<Control> {
  const early = new EventEmitter();
  const answers = once(early, 'sources').then(([sources]) => routes(sources as Sources));
  const busy = new Set<Promise<unknown>>();
  const server = (audience: 'read' | 'write' | 'public'): Server =>
    makeServer(async (request, response) => {
      const done = (await answers)(audience)(request, response);
      if (request.method === 'POST') {
        const noted = done.catch(() => {});
        busy.add(noted);
        void noted.then(() => busy.delete(noted));
      }
      await done;
    }, bug);
  const opened: Opened[] = [];
  const open = async (audience: 'read' | 'write', path: string, access: Access): Promise<string> => {
    const one = server(audience);
    opened.push([one, await claim(one, path, access, follows)]);
    return path;
  };
  const close = async (): Promise<void> => {
    for (const [, claimed] of opened) claimed?.release();
    await Promise.race([Promise.all(busy), new Promise((done) => setTimeout(done, GOODBYE_MS).unref())]);
    for (const [one] of opened) {
      one.close();
      one.closeAllConnections();
    }
  };
  try {
    const { path, why } = await place(name, control, open);
    const readers =
      path === undefined || control.readers === undefined
        ? undefined
        : await open('read', readersName(path), { mode: 0o660, group: groupId(control.readers) });
    const [address] = metrics.listen;
    const probes = address && server('public');
    if (probes) opened.push([probes, undefined]);
    if (probes && !follows) await listenOn(probes, address);
    return {
      path,
      why,
      readers,
      serve: (sources) => void early.emit('sources', sources),
      takeOver: () => {
        for (const [, claimed] of opened) claimed?.take();
        if (probes) void follow(probes, address, bug);
      },
      leave: () => void probes?.close(),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A default place that cannot be used costs the commands, not the fleet; a place that was asked for must be had. */
async function place(
  name: string,
  control: Config['control'],
  open: (audience: 'write', path: string, access: Access) => Promise<string>,
): Promise<{ path: string | undefined; why: OperatorError | undefined }> {
  const access: Access = { mode: control.mode };
  if (control.socket !== undefined) {
    checkParent(control.socket);
    return { path: await open('write', control.socket, access), why: undefined };
  }
  const folder = controlFolder();
  try {
    prepareFolder(folder, (control.mode & 0o077) !== 0 || control.readers !== undefined);
    return { path: await open('write', join(folder.path, socketName(name)), access), why: undefined };
  } catch (error) {
    if (
      !(error instanceof OperatorError) ||
      error.exitCode === ExitCode.alreadyRunning ||
      control.readers !== undefined
    )
      throw error;
    return { path: undefined, why: error };
  }
}

function makeServer(answer: Answer, bug: (error: unknown) => void): Server {
  const server = createServer(
    {
      headersTimeout: HEADERS_MS,
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: IDLE_MS,
      connectionsCheckingInterval: LOOK_MS,
    },
    (request, response) => {
      response.on('error', () => {});
      // Behind an answer that is not over, this one has no connection yet, and would never hear that the connection is gone.
      if (response.socket === null)
        return refuse(response, new Refused(400, 'expected a request only after the answer to the one before'));
      answer(request, response).catch((error: unknown) => {
        // A reader that went away in the middle of its request is no news.
        if (!(error instanceof Refused) && !request.destroyed) bug(error);
        refuse(response, error);
      });
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.timeout = INACTIVE_MS;
  return server;
}

async function listenOn(server: Server, address: ListenAddress): Promise<void> {
  // A socket of systemd's is for clients.
  if ('inherited' in address)
    throw new OperatorError(
      `metrics.listen: expected an address, got systemd:${address.inherited}`,
      ExitCode.badConfig,
    );
  if ('path' in address) return void (await claim(server, address.path, { mode: 0o600 }));
  const name = `${address.host ?? '*'}:${address.port}`;
  await new Promise<void>((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => reject(cannotBind(name, error.errno ?? 0));
    server.once('error', failed);
    server.listen(address.port, address.host, () => {
      server.removeListener('error', failed);
      resolve();
    });
  });
}

/** The predecessor gives its address up when it learns that it may go: a moment from now. */
async function follow(server: Server, address: ListenAddress, bug: (error: unknown) => void): Promise<void> {
  for (let tries = 0; tries < 100; tries++)
    try {
      return await listenOn(server, address);
    } catch (error) {
      if (tries === 99) bug(error);
      await sleep(100, undefined, { ref: false });
    }
}
