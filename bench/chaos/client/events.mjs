// A client of server-sent events. It listens until the stream ends, and opens another. A stream may end in order; one that breaks,
// falls silent or leaves events out is lost.
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '../../client/connection.mjs';
import { lossOf } from '../../client/judge.mjs';
import { headOf } from './errands.mjs';
import { seenIn } from './referee.mjs';

export async function listener({ name, group, host, port, referee, more, over, patienceMs = 10_000 }) {
  for (let number = 0; more(); number++) {
    const connection = new Connection(host, port);
    referee.opened(group, name);
    const id = `${name}-${number}`;
    const ticket = referee.begin('events', { client: name, id, path: '/events', connection });
    const outcome = await Promise.race([
      new Promise((resolve) =>
        connection.ask(headOf({ path: '/events' }, id, true), patienceMs, resolve, { each: true }),
      ),
      over.then(() => 'left'),
    ]);
    if (outcome === 'left') {
      connection.destroy();
      referee.ended('stream left by the client');
      return referee.settle(ticket, undefined, { endless: true });
    }
    const loss = lossOf('ok', outcome, id) ?? gapIn(outcome.response.body);
    if (loss === undefined) referee.ended('stream ended in order');
    referee.settle(ticket, loss, { ...seenIn(outcome.response), endless: true });
    connection.destroy();
    if (loss === undefined) continue;
    if (referee.stopping) break;
    await sleep(50);
  }
}

/** Events are numbered from 1. Anything else than whole events in their order is a gap. */
function gapIn(body) {
  const events = body.split('\n\n');
  if (events.pop() !== '') return 'half an event at the end';
  const at = events.findIndex((event, index) => event !== `data: ${index + 1}`);
  return at < 0 ? undefined : `event ${at + 1} is not the next one`;
}
