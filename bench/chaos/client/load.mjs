// All clients of a scenario, told to begin and to end together. What they are is data: `{ group, count, … }`.
import { random } from '../../client/load.mjs';
import { listener } from './events.mjs';
import { user } from './user.mjs';
import { talker } from './websocket.mjs';

const roles = { user, listener, talker };

/** Starts them; `end()` lets each finish what it has asked for, and resolves when all have. */
export function startLoad({ clients, port, host = '127.0.0.1', referee, seed = 1 }) {
  let ending = false;
  let tellOver;
  const over = new Promise((resolve) => (tellOver = resolve));
  const running = clients.flatMap(({ role, group, count, ...what }, kind) =>
    Array.from({ length: count }, (_, at) => {
      const name = `${group}-${at}`;
      const dice = random(seed * 1_000_003 + kind * 1009 + at);
      return roles[role]({ ...what, name, group, host, port, referee, dice, over, more: () => !ending });
    }),
  );
  return {
    end() {
      ending = true;
      tellOver();
      return Promise.all(running);
    },
  };
}
