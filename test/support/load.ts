// Users who ask one thing after the other, on kept and on new connections, and an account of every request. Nothing is sent twice.
import type { ExecutionContext } from 'ava';
import { type Asked, Connection, type Outcome, type Target } from './client.js';
import { inTime } from './until.js';

export interface Told {
  readonly asked: Asked;
  readonly outcome: Outcome;
  /** Asked on a connection that was made for it. */
  readonly fresh: boolean;
}

export interface Load {
  readonly told: readonly Told[];
  /** Resolves when this many are told. */
  reached(count: number): Promise<void>;
  /** No user asks again; resolves when the last is told. */
  end(): Promise<readonly Told[]>;
}

/** `next` says what the how-manyth request is; undefined ends the load. `refused`: a connection that cannot be made ends its user. */
export function startLoad(
  t: ExecutionContext,
  target: Target,
  users: number,
  next: (index: number) => Asked | undefined,
  { keepAlive = true }: { keepAlive?: boolean } = {},
): Load {
  const told: Told[] = [];
  const waiting = new Set<() => void>();
  let sent = 0;
  let ending = false;

  async function user(): Promise<void> {
    let connection: Connection | undefined;
    for (
      let asked = ending ? undefined : next(sent++);
      asked !== undefined;
      asked = ending ? undefined : next(sent++)
    ) {
      const fresh = connection === undefined || connection.isOver;
      connection = connection === undefined || fresh ? new Connection(t, target) : connection;
      const outcome = await connection.ask(asked);
      told.push({ asked, outcome, fresh });
      for (const look of waiting) look();
      const closes = outcome.became === 'broken' || outcome.headers['connection'] === 'close';
      if (keepAlive && !closes) continue;
      connection.close();
      connection = undefined;
    }
    connection?.close();
  }
  const all = Promise.all(Array.from({ length: users }, user));

  return {
    told,
    reached: (count) =>
      inTime(
        `${count} requests are told`,
        new Promise((resolve) => {
          const look = (): void => {
            if (told.length < count) return;
            waiting.delete(look);
            resolve();
          };
          waiting.add(look);
          look();
        }),
      ),
    end: async () => {
      ending = true;
      await all;
      return told;
    },
  };
}

/** What was not answered 200. */
export const lost = (told: readonly Told[]): string[] =>
  told.flatMap(({ asked, outcome }) => {
    if (outcome.became === 'answered') return outcome.status === 200 ? [] : [`${asked.path}: ${outcome.status}`];
    return [`${asked.path}: ${outcome.why} after ${JSON.stringify(outcome.text)}`];
  });

/** What was taken and then lost. A new connection that came too late is refused, as it should be. */
export const dropped = (told: readonly Told[]): string[] =>
  lost(
    told.filter(
      ({ fresh, outcome }) =>
        !(fresh && outcome.became === 'broken' && outcome.text === '' && /^ECONN(REFUSED|RESET)$/.test(outcome.why)),
    ),
  );
