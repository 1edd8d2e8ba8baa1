// What a failing request costs the others: of every hundred requests one fails, in each way there is, amid slow and quick ones
// that do not. Everyone else must be answered. The restart intensity is raised so that faulty workers really are replaced.
import { kinds } from '../examples/failures.mjs';
import { table } from './support/figures.mjs';
import { runLoad } from './support/pressure.mjs';
import { cordon, fates, scripts, using } from './support/systems.mjs';

export const title = 'Collateral loss: 1 % of requests fail, 2 workers';

const config = { restart: { intensity: { restarts: 100_000, within: '1m' } } };
const modes = { kept: true, new: false };

const routesOf = (kind) => [
  { path: '/ok', weight: 69, innocent: true, expected: 'ok' },
  { path: '/slow', weight: 30, innocent: true, expected: 'ok', slowMs: [50, 500] },
  { path: `/fail/${kind}`, weight: 1, innocent: false, expected: kinds[kind].expected, request: kinds[kind].request },
];

export async function bench({ node, innocents, kinds: chosen, seed }) {
  const rows = [
    ['', 'connections', 'innocents', 'lost', 'failing', 'lost', 'workers replaced', 'died', 'p99 late, ms'],
  ];
  const total = { innocents: 0, lost: 0, failing: 0, wrong: 0, replaced: 0, died: 0 };
  const losses = [];

  for (const kind of chosen ?? Object.keys(kinds)) {
    for (const [mode, keepAlive] of Object.entries(modes)) {
      let fleet;
      const starting = cordon({ node, script: scripts.failing, workers: 2, config });
      const account = await using(starting, (server) => {
        fleet = server;
        return runLoad({
          port: server.port,
          keepAlive,
          users: 320,
          thinkMs: [5, 50],
          requests: Math.ceil(innocents / 0.98),
          durationMs: 600_000,
          routes: routesOf(kind),
          seed,
        });
      });
      const { replaced, died } = fates(fleet.log);
      const { innocent, failing } = account;
      const row = [kind, mode, innocent.sent, innocent.lost, failing.sent, failing.lost, replaced, died];
      rows.push([...row, account.latencyMs.p99.toFixed(0)]);
      console.log(row.join(' '));
      total.innocents += innocent.sent;
      total.lost += innocent.lost + account.stray;
      total.failing += failing.sent;
      total.wrong += failing.lost;
      total.replaced += replaced;
      total.died += died;
      if (innocent.lost + failing.lost + account.stray > 0) losses.push({ kind, mode, ...account });
    }
  }
  console.log(`\n${table(rows)}\n`);
  for (const { kind, mode, reasons, stray, losses: first } of losses) {
    console.log(
      `${kind}, ${mode} connections: ${JSON.stringify(reasons)}${stray > 0 ? `, stray bytes on ${stray}` : ''}`,
    );
    for (const loss of first.slice(0, 5)) console.log(`  ${JSON.stringify(loss)}`);
  }
  console.log(
    `${total.innocents} innocents, ${total.lost} lost; ${total.failing} failing, ${total.wrong} not as expected; ` +
      `${total.replaced} workers replaced, ${total.died} died otherwise`,
  );
}
