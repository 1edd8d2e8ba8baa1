// Workers on standby: booted, not accepting, in service the moment that another one dies.

import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { ask, Connection } from '../support/client.js';
import { type Fleet, fixture, type LogLine, startFleet } from '../support/fleet.js';
import { halted } from '../support/processes.js';

function configured(t: ExecutionContext, config: object): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cordon-')));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'cordon.config.json'), JSON.stringify({ script: fixture('process/busy.mjs'), ...config }));
  return folder;
}

/** Which of the two is ready first, and serves, is chance. */
async function started(
  t: ExecutionContext,
): Promise<{ fleet: Fleet; target: { port: number }; serving: LogLine; waiting: LogLine }> {
  const fleet = startFleet(t, [], { cwd: configured(t, { workers: 1, standby: 1 }) });
  const target = { port: await fleet.port() };
  const serving = await fleet.line(/ is ready \(1 of 1\)/);
  const waiting = await fleet.line(/ stands by$/);
  t.like(await ask(t, target, '/ok'), { status: 200 }, 'who is ready listens');
  return { fleet, target, serving, waiting };
}

test.serial(
  'a worker on standby accepts nobody until one dies, and then answers long before another could have booted',
  async (t) => {
    const { fleet, target, serving, waiting } = await started(t);
    const outcomes = await Promise.all(Array.from({ length: 40 }, () => ask(t, target, '/ok')));
    for (const outcome of outcomes) t.like(outcome, { status: 200 });

    const took: number[] = [];
    let victim = serving;
    let next = waiting;
    for (let turn = 0; turn < 5; turn++) {
      process.kill(victim.pid as number, 'SIGKILL');
      const before = performance.now();
      t.like(await ask(t, target, '/ok'), { status: 200 });
      took.push(performance.now() - before);
      victim = await fleet.line(new RegExp(`^worker ${next.worker} is called into service`));
      next = await fleet.line(new RegExp(`^worker ${turn + 3} stands by`));
    }
    const boot = bootTimeOf(fleet.lines);
    const [median = 0] = took.toSorted((a, b) => a - b).slice(2);
    t.log(
      `from the death to the first answer: ${took.map((ms) => ms.toFixed(1)).join(', ')} ms; a boot takes ${boot} ms`,
    );
    t.true(median < boot, `${took.join()} against ${boot}`);
    t.is(await fleet.stop(), 0);
  },
);

/** From its start to its readiness, as the log's own times have it; the shortest. */
function bootTimeOf(
  lines: readonly { readonly msg: string; readonly worker?: number; readonly [field: string]: unknown }[],
): number {
  const at = (worker: number | undefined, matching: RegExp): number =>
    Date.parse(String(lines.find((line) => line.worker === worker && matching.test(line.msg))?.['time']));
  const boots = lines
    .filter(({ msg }) => / stands by/.test(msg))
    .map(({ worker }) => at(worker, / stands by/) - at(worker, / starts in slot/));
  return Math.min(...boots);
}

test.serial('with a standby even the only worker goes at once when it is faulty', async (t) => {
  const { fleet, target, serving, waiting } = await started(t);
  t.like(await ask(t, target, '/fail/timer'), { status: 500 });
  await fleet.line(new RegExp(`^worker ${serving.worker} drains .* an error that nobody caught`));
  await fleet.line(new RegExp(`^worker ${waiting.worker} is called into service`));
  t.like(await ask(t, target, '/ok'), { status: 200 });
  await fleet.line(/^worker 3 stands by/);
  t.is(await fleet.stop(), 0);
});

test.serial('a connection that came while nobody served is answered by the standby', async (t) => {
  const { fleet, target, serving } = await started(t);
  await halted(serving.pid as number);
  const early = await new Connection(t, target).connected();
  const answer = early.ask('/ok');
  process.kill(serving.pid as number, 'SIGKILL');
  t.like(await answer, { status: 200 });
  early.close();
  t.is(await fleet.stop(), 0);
});
