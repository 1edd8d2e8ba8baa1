// Clients that ask once on a connection, and those who want to be answered at every moment.
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '../../client/connection.mjs';
import { errands, headOf } from './errands.mjs';
import { seenIn } from './referee.mjs';

const PATIENCE_MS = 20_000;

/** Resolves when it is answered or lost, and the referee knows. */
export function askOnce(referee, kind, connection, id, kept) {
  const errand = errands.fast();
  const ticket = referee.begin(kind, { client: id, id, path: errand.path, connection });
  return new Promise((resolve) => {
    connection.ask(headOf(errand, id, kept), PATIENCE_MS, (outcome) => {
      const { response } = outcome;
      referee.settle(ticket, errand.judge(outcome, id), seenIn(response));
      if (response?.close) connection.leave();
      resolve();
    });
  });
}

/**
 * A new connection and a request every so often until `over()`, so that whoever comes into service has somebody to answer at once.
 * Resolves when all of them are settled.
 */
export async function queueUp({ referee, host, port }, name, everyMs, over) {
  const asked = [];
  for (let number = 0; !over(); number++) {
    asked.push(askOnce(referee, 'queue', new Connection(host, port), `${name}-${number}`, false));
    await sleep(everyMs);
  }
  await Promise.all(asked);
}
