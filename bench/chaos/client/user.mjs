// One client: asks one thing at a time, on a connection that it keeps or on a new one each time. It opens another where it was told
// `Connection: close` or finds its own gone while it asked nothing; it sends nothing twice.
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '../../client/connection.mjs';
import { errands, headOf } from './errands.mjs';
import { seenIn } from './referee.mjs';

/** No request of ours takes this long but one that is forgotten. */
const PATIENCE_MS = 20_000;
/** After a loss, so that a port that refuses is not asked ten thousand times a second. */
const REST_MS = 50;

function choose(weights, dice) {
  const all = Object.entries(weights);
  let at = dice() * all.reduce((sum, [, weight]) => sum + weight, 0);
  return (all.find(([, weight]) => (at -= weight) < 0) ?? all[0])[0];
}

/** Resolves when the load is over. `more()` says whether another request is wanted. */
export async function user({
  name,
  group,
  asks,
  kept,
  thinkMs = [0, 0],
  everyMs,
  patienceMs = PATIENCE_MS,
  host,
  port,
  referee,
  dice,
  more,
}) {
  let connection;
  for (let number = 0; more(); number++) {
    const [least, most] = everyMs === undefined ? thinkMs : [everyMs, everyMs];
    const pause = least + dice() * (most - least);
    if (pause > 0) await sleep(pause);
    else await new Promise(setImmediate);
    if (!more()) break;
    if (!connection?.open) {
      if (connection?.fate === 'ended' || connection?.fate === 'reset')
        referee.ended(`kept connection ${connection.fate} while idle`);
      if (connection?.stray) referee.ended('bytes that nobody had asked for');
      connection = new Connection(host, port);
      referee.opened(group, name);
    }
    const kind = choose(asks, dice);
    const errand = errands[kind](dice);
    const id = `${name}-${number}`;
    const ticket = referee.begin(kind, { client: name, id, path: errand.path, connection });
    const outcome = await ask(connection, errand, id, { kept, patienceMs });
    const { response } = outcome;
    const loss = errand.judge(outcome, id);
    referee.settle(ticket, loss, seenIn(response));
    if (outcome.became !== 'answered') connection.destroy();
    else if (!kept || response.close || outcome.early) connection.leave();
    if (loss === undefined) continue;
    if (referee.stopping) break;
    await sleep(REST_MS);
  }
  connection?.destroy();
}

async function ask(connection, errand, id, { kept, patienceMs }) {
  const { promise, resolve } = Promise.withResolvers?.() ?? deferred();
  let over = false;
  connection.ask(headOf(errand, id, kept), patienceMs, (outcome) => {
    over = true;
    resolve(outcome);
  });
  if (errand.readAfterMs !== undefined) {
    connection.pause();
    setTimeout(() => connection.resume(), errand.readAfterMs);
  }
  for (const piece of errand.pieces ?? []) {
    await sleep(errand.everyMs);
    if (over) return { ...(await promise), early: true };
    connection.send(piece);
  }
  return promise;
}

/** Node 20 has no `Promise.withResolvers`. */
function deferred() {
  const parts = {};
  parts.promise = new Promise((resolve) => (parts.resolve = resolve));
  return parts;
}
