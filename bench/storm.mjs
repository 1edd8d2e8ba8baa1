// An error storm: half of all requests fail. The fleet has to go on serving, and nobody innocent may pay for it. The restart
// intensity is the default, so that workers stay tainted and go on. Compared with the same mix when the failing half does not.
//
// A 500 closes its connection. With kept connections the storm therefore pays for new ones as well, on both ends, which the
// quiet mix does not; with a new connection for each request both pay alike.
//
// With `--storm-rate` no more than so many requests are asked in a second, quiet or not: what the supervisor takes is then that of a
// storm of this size, and not of whatever this machine can do.
import { kinds } from '../examples/failures.mjs';
import { ratio, showRatio, table } from './support/figures.mjs';
import { runLoad } from './support/pressure.mjs';
import { cpuMs, peakMb } from './support/process.mjs';
import { cordon, fates, scripts, using } from './support/systems.mjs';

export const title = 'Error storm: half of all requests fail, 2 workers';

/** Failures that are answered 500 whole, so that quiet and storm ask for the same. */
const stormy = ['throw-sync', 'timer', 'next-tick', 'fs-callback', 'reject-early', 'async-throw', 'emitter-error'];

const ok = { path: '/ok', innocent: true, expected: 'ok' };
const slow = { path: '/slow', innocent: true, expected: 'ok', slowMs: [50, 500] };
const mixes = {
  'amid slow ones': {
    users: 256,
    innocent: [
      { ...ok, weight: 35 },
      { ...slow, weight: 15 },
    ],
  },
  'all quick': { users: 64, innocent: [{ ...ok, weight: 50 }] },
};
const modes = { kept: true, new: false };
/** Enough for the slow ones of a rate of thousands to overlap, and fewer than wait in Node's backlog: more, and the kernel drops some. */
const RATED_USERS = 480;

const failing = (storm) =>
  stormy.map((kind) => ({
    path: `/${storm ? 'fail' : 'quiet'}/${kind}`,
    weight: 50 / stormy.length,
    innocent: !storm,
    expected: storm ? kinds[kind].expected : 'ok',
  }));

export async function bench({ node, stormSeconds, stormRounds, stormRate, stormMixes, seed }) {
  const columns = [
    'requests/s',
    'innocents',
    'lost',
    'failing',
    'lost',
    'p99 late, ms',
    'server µs',
    'client busy',
    'supervisor %',
    'MB at most',
    'log lines',
    'replaced',
    'died',
  ];
  const rows = [['', ...columns]];
  const verdicts = [];

  for (const [mix, { users, innocent }] of Object.entries(mixes)) {
    for (const [mode, keepAlive] of Object.entries(modes)) {
      if (!stormMixes.some((wanted) => `${mix}, ${mode}`.includes(wanted))) continue;
      const seen = { quiet: [], storm: [], 'quiet again': [] };
      for (let round = 0; round < stormRounds; round++) {
        for (const name of Object.keys(seen)) {
          const storm = name === 'storm';
          const orders = {
            keepAlive,
            users: stormRate === undefined ? users : RATED_USERS,
            ...(stormRate !== undefined && { perSecond: stormRate }),
            requests: 10_000_000,
            durationMs: (storm ? stormSeconds : stormSeconds / 2) * 1000,
            routes: [...innocent, ...failing(storm)],
            seed: seed + round,
          };
          const { account, spentMs, supervisor, lines, replaced, died } = await measure(node, orders);
          const answered = account.innocent.answered + account.failing.answered;
          const perSecond = (answered * 1000) / account.tookMs;
          seen[name].push(perSecond);
          const { innocent: others, failing: own } = account;
          const counts = [
            others.sent,
            others.lost + account.stray,
            own.sent,
            own.lost,
            account.latencyMs.p99.toFixed(0),
          ];
          const costs = [
            ((spentMs * 1000) / answered).toFixed(0),
            account.clientBusy.toFixed(2),
            ((supervisor.spentMs * 100) / account.tookMs).toFixed(1),
            supervisor.mb.toFixed(0),
            lines,
            replaced,
            died,
          ];
          rows.push([`${mix}, ${mode} connections, ${name}`, perSecond.toFixed(0), ...counts, ...costs]);
          if (others.lost + own.lost > 0) tell(rows.at(-1)[0], account);
        }
      }
      const storm = showRatio(ratio(seen.storm, seen.quiet));
      const noise = showRatio(ratio(seen['quiet again'], seen.quiet));
      verdicts.push([`${mix}, ${mode} connections`, storm, noise]);
    }
  }
  console.log(`${table(rows)}\n\n${table([['throughput', 'storm to quiet', 'quiet to itself'], ...verdicts])}`);
}

async function measure(node, orders) {
  let fleet;
  const measured = await using(cordon({ node, script: scripts.failing, workers: 2 }), async (server) => {
    fleet = server;
    const before = server.cpuMs();
    const own = cpuMs([server.pid]);
    const account = await runLoad({ ...orders, port: server.port });
    const supervisor = { spentMs: cpuMs([server.pid]) - own, mb: peakMb(server.pid) };
    return { account, spentMs: server.cpuMs() - before, supervisor };
  });
  return { ...measured, lines: fleet.log.split('\n').length - 1, ...fates(fleet.log) };
}

function tell(name, { reasons, losses }) {
  console.log(`${name}: ${JSON.stringify(reasons)}`);
  for (const loss of losses.slice(0, 5)) console.log(`  ${JSON.stringify(loss)}`);
}
