// One scenario from its start to its verdict.
import { setTimeout as sleep } from 'node:timers/promises';
import { milliseconds } from '../../dist/config/duration.js';
import { watchOthers } from '../support/machine.mjs';
import { bars } from './bars.mjs';
import { startLoad } from './client/load.mjs';
import { Referee } from './client/referee.mjs';
import { startFleet } from './fleet.mjs';
import { known, missing } from './needs.mjs';
import { steps } from './steps.mjs';

/** Requests that are answered before anything is done. */
const WARM = 300;
/** What the whole of the load may take once all is asked. */
const LAST_MS = 60_000;

/** `options`: `{ node, server, requests?, seconds, seed, anyway }`; `there`: what this cordon can do. */
export async function play(scenario, options, there) {
  const absent = missing(scenario.needs, there);
  if (absent.length > 0 && !options.anyway) return { absent };

  const missed = scenario.clients.filter((one) => missing(one.needs, there).length > 0);
  const clients = options.anyway ? scenario.clients : scenario.clients.filter((one) => !missed.includes(one));
  const config = known(scenario.config, there);
  // Where nobody asks but the steps, more than they ask is waited for in vain.
  const wanted = clients.length > 0 ? (options.requests ?? scenario.requests ?? 20_000) : (scenario.requests ?? 1);
  const referee = new Referee();
  const facts = { steps: [] };
  const taken = watchOthers();
  const fleet = await startFleet({ ...options, workers: scenario.workers, config });
  const begun = performance.now();
  const left = () => options.seconds * 1000 - (performance.now() - begun);
  /** Resolves when as much has been asked as was wanted, or the time is over. */
  const asked = () => referee.until(() => referee.counted >= wanted, Math.max(0, left()));
  const context = { fleet, referee, facts, options, there, config, asked, seed: options.seed };

  try {
    const load = startLoad({ clients, port: fleet.port, referee, seed: options.seed });
    if (clients.length > 0) await referee.more(WARM, LAST_MS);
    for (const step of scenario.steps) {
      if (left() <= 0) {
        facts.steps.push({ name: step.do, why: `not begun: ${options.seconds} s were over` });
        break;
      }
      await steps[step.do](context, step);
    }
    if (facts.stopped === undefined && clients.length > 0) {
      referee.amid('the load alone, again');
      await asked();
    }
    // What is still open after that is as good as lost, and the referee has it.
    await Promise.race([load.end(), sleep(LAST_MS, undefined, { ref: false })]);
  } finally {
    facts.open = referee.open;
    facts.left = await fleet.stop();
    facts.exit = (await fleet.exited).code;
  }

  const lingerMs = milliseconds(scenario.config.stop?.linger ?? '5s');
  const seen = { referee, facts, fleet, there, wanted, scenario: { ...scenario, lingerMs } };
  const named = options.server.startsWith('fastify') ? [...scenario.bars, 'hooks'] : scenario.bars;
  return {
    verdicts: [
      ...named.map((name) => ({ name, ...bars[name](seen) })),
      ...(options.anyway ? [] : missed.map(({ group, needs }) => ({ name: group, absent: needs, says: 'left out' }))),
    ],
    tookMs: performance.now() - begun,
    taken: taken(),
    referee,
    facts,
    fleet,
  };
}
