// The chaos suite's own parts, as far as the tests of the referee need them.
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { ExecutionContext } from 'ava';
import { root } from './fleet.js';

export interface Referee {
  readonly answered: number;
  readonly sent: number;
  readonly lost: number;
  readonly counted: number;
  readonly kinds: Readonly<Record<string, { sent: number; answered: number; lost: number; excused: number }>>;
  readonly losses: readonly { readonly kind: string; readonly loss: string; readonly amid: string }[];
  readonly ends: Readonly<Record<string, number>>;
  readonly clients: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** When each process answered first, on `performance.now()`. */
  readonly processes: ReadonlyMap<number, { readonly firstAt: number }>;
  excuse: (ticket: object, loss: string) => string | undefined;
  begin(kind: string, request: object): object;
  settle(ticket: object, loss: string | undefined, seen: { pid: string; at?: string }): void;
  amid(name: string): void;
  until(holds: () => boolean, withinMs: number): Promise<boolean>;
}

type Client = Readonly<Record<string, unknown>>;

const at = (name: string): string => `file://${root}bench/chaos/${name}`;
export const { Referee: Judge } = (await import(at('client/referee.mjs'))) as { Referee: new () => Referee };
export const { stamp } = (await import(at('clock.mjs'))) as { stamp: () => string };
const { startLoad } = (await import(at('client/load.mjs'))) as {
  startLoad: (orders: { clients: Client[]; port: number; referee: Referee }) => { end: () => Promise<unknown> };
};
export const { handle, pattern } = (await import(at('servers/routes.mjs'))) as {
  handle: RequestListener;
  pattern: (length: number) => Buffer;
};
export const { bars } = (await import(at('bars.mjs'))) as {
  bars: Record<string, (seen: object) => { held?: boolean; absent?: string[]; says: string }>;
};
export const { missing, known } = (await import(at('needs.mjs'))) as {
  missing: (needs: string[], there: Set<string>) => string[];
  known: (config: object, there: Set<string>) => object;
};
export const { play } = (await import(at('play.mjs'))) as {
  play: (scenario: object, options: object, there: Set<string>) => Promise<{ absent?: string[]; verdicts?: unknown }>;
};
export const { scenarios } = (await import(at('scenarios.mjs'))) as { scenarios: Record<string, { bars: string[] }> };

/** Where it listens; ended with its connections when the test is over. */
export async function listening(t: ExecutionContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  t.teardown(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return (server.address() as AddressInfo).port;
}

/** An honest server, but for what `lossy` does with some requests: it returns whether it took this one. */
export const mostlyHonest = (lossy: (...of: Parameters<RequestListener>) => boolean): Server =>
  createServer((request, response) => {
    if (!lossy(request, response)) handle(request, response);
  });

/** Runs these clients until so many of their requests are over, and returns what the referee has seen. */
export async function judge(
  t: ExecutionContext,
  port: number,
  client: Client,
  { over, excuse }: { over: number; excuse?: Referee['excuse'] },
): Promise<Referee> {
  const referee = new Judge();
  if (excuse) referee.excuse = excuse;
  referee.amid('the test');
  const load = startLoad({
    clients: [{ role: 'user', group: 'kept', count: 1, kept: true, ...client }],
    port,
    referee,
  });
  const isOver = (): boolean =>
    Object.values(referee.kinds).reduce((sum, kind) => sum + kind.answered + kind.lost + kind.excused, 0) >= over;
  t.true(await referee.until(isOver, 20_000), 'the clients got nowhere');
  await load.end();
  return referee;
}
