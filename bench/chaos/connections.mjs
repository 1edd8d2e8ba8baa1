// Many connections: a crowd that comes at once, and thousands that are kept and say nothing.
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '../client/connection.mjs';
import { startLoad } from './client/load.mjs';
import { askOnce } from './client/once.mjs';
import { clientsOf } from './proc.mjs';

const AT_ONCE = 100;
const host = '127.0.0.1';

/** Comes several times, since how the kernel spreads them is chance. */
export async function crowd({ fleet, referee, facts, seed }, { count, afterMs, rounds }) {
  const clients = [{ role: 'user', group: 'crowd', count, kept: true, asks: { fast: 1 }, thinkMs: [10, 30] }];
  facts.balance = [];
  for (let round = 1; round <= rounds; round++) {
    referee.amid(`crowd ${round}`);
    const load = startLoad({ clients, port: fleet.port, host, referee, seed: seed + round });
    await sleep(afterMs); // the second within which the bar wants them spread
    const pids = fleet.processes().map(({ pid }) => pid);
    const held = [...(await clientsOf(pids, fleet.port)).values()].map(({ size }) => size);
    facts.balance.push({ held, share: count / fleet.workers });
    const served = await referee.more(1000, 30_000);
    facts.steps.push({ name: `crowd ${round}`, why: served ? undefined : 'it is not answered' });
    await load.end();
  }
}

/** Opens them, asks once on each, and leaves them idle. */
export async function hold(context, { count }) {
  const { fleet, referee } = context;
  context.held = [];
  referee.amid('opening idle connections');
  for (let at = 0; at < count; at += AT_ONCE) {
    const batch = Array.from({ length: Math.min(AT_ONCE, count - at) }, () => new Connection(host, fleet.port));
    await Promise.all(batch.map((connection, i) => askOnce(referee, 'idle', connection, `idle-${at + i}-first`, true)));
    context.held.push(...batch);
  }
}

/** Asks once more on each that is left. The others must have been ended in order. */
export async function release(context) {
  const { referee, facts } = context;
  referee.amid('asking on idle connections');
  const fates = {};
  const open = context.held.filter((connection) => {
    if (connection.open) return true;
    fates[connection.fate] = (fates[connection.fate] ?? 0) + 1;
    return false;
  });
  for (let at = 0; at < open.length; at += AT_ONCE)
    await Promise.all(
      open
        .slice(at, at + AT_ONCE)
        .map((connection, i) => askOnce(referee, 'idle', connection, `idle-${at + i}-again`, true)),
    );
  for (const connection of context.held) connection.destroy();
  facts.held = { count: context.held.length, survived: open.length, fates };
}
