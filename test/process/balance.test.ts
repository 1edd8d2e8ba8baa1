// The kernel gives new connections to whoever accepts first, which may be one worker for nearly all; the fleet evens that out.
import test, { type ExecutionContext } from 'ava';
import { Connection, type Outcome } from '../support/client.js';
import { fixture, startFleet } from '../support/fleet.js';

const CLIENTS = 60;
const WORKERS = 4;

interface Rush {
  readonly sent: number;
  readonly lost: readonly string[];
  /** How long it took until no worker held more than 1.5 times its share; undefined where it did not come to that. */
  readonly evenAfterMs: number | undefined;
  readonly first: readonly number[];
}

/** All clients connect at once, and ask again and again until the connections are spread, or the time is over. */
async function rush(t: ExecutionContext, env: NodeJS.ProcessEnv, forMs: number): Promise<Rush> {
  const fleet = startFleet(t, [fixture('process/kept.mjs'), '-w', String(WORKERS)], { env });
  const target = { port: await fleet.port() };
  await fleet.ready();
  const lost: string[] = [];
  let sent = 0;
  const began = performance.now();
  const connections = Array.from({ length: CLIENTS }, () => new Connection(t, target));
  const spread = async (): Promise<number[]> => {
    const asked = await Promise.all(connections.map((connection) => connection.ask('/ok')));
    sent += asked.length;
    return countByPid(asked, lost);
  };
  const first = await spread();
  let now = first;
  let evenAfterMs: number | undefined;
  for (; performance.now() - began < forMs; now = await spread()) {
    if (Math.max(...now) > (1.5 * CLIENTS) / WORKERS) continue;
    evenAfterMs = performance.now() - began;
    break;
  }
  for (const connection of connections) connection.close();
  t.is(await fleet.stop(), 0);
  return { sent, lost, evenAfterMs, first };
}

function countByPid(asked: readonly Outcome[], lost: string[]): number[] {
  const counts = new Map<string, number>();
  for (const outcome of asked) {
    if (outcome.became !== 'answered' || outcome.status !== 200) lost.push(JSON.stringify(outcome));
    const pid = outcome.became === 'answered' ? (outcome.headers['x-pid'] ?? '') : '';
    counts.set(pid, (counts.get(pid) ?? 0) + 1);
  }
  return [...counts.values()].toSorted((one, other) => other - one);
}

test.serial('60 clients that connect at once are spread over 4 workers, and no request is lost', async (t) => {
  const { sent, lost, evenAfterMs, first } = await rush(t, {}, 5_000);
  t.log(`${sent} requests, ${lost.length} lost; at first ${first.join(', ')}; even after ${evenAfterMs?.toFixed()} ms`);
  t.deepEqual(lost, []);
  t.true(evenAfterMs !== undefined);
});

test.serial('balance: false leaves connections with whoever accepted them', async (t) => {
  const fleet = startFleet(t, [fixture('process/kept.mjs'), '-w', '2'], { env: { CORDON_BALANCE: 'false' } });
  const target = { port: await fleet.port() };
  await fleet.ready();
  const connections = Array.from({ length: 30 }, () => new Connection(t, target));
  const pids = async (): Promise<(string | undefined)[]> =>
    (await Promise.all(connections.map((connection) => connection.ask('/ok')))).map((outcome) =>
      outcome.became === 'answered' ? outcome.headers['x-pid'] : outcome.why,
    );
  const before = await pids();
  const until = performance.now() + 500;
  while (performance.now() < until) t.deepEqual(await pids(), before);
  for (const connection of connections) connection.close();
  t.is(await fleet.stop(), 0);
});
