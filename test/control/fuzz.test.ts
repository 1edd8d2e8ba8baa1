// Whatever comes in through the control socket, the fleet goes on and the supervisor grows no larger. `npm run fuzz` takes longer.
import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { ask } from '../support/client.js';
import { cordon } from '../support/cordon.js';
import { fixture, startFleet } from '../support/fleet.js';
import { attack } from '../support/fuzz.js';
import { workersOf } from '../support/processes.js';
import { until } from '../support/until.js';

const FOR_MS = Number(process.env['FUZZ_SECONDS'] ?? 3) * 1000;
const SEED = Number(process.env['FUZZ_SEED'] ?? 20_261_121);

const openFiles = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;
const memory = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;

test('random bytes, half requests, huge heads and a thousand connections change nothing that the fleet does', async (t) => {
  t.timeout(FOR_MS + 60_000);
  const fleet = startFleet(t, [fixture('process/busy.mjs'), '-w', '2']);
  const port = await fleet.port();
  await fleet.ready();
  const pid = fleet.child.pid ?? 0;
  const path = join(fleet.runtime, 'cordon', 'busy.sock');
  await cordon(t, fleet, ['status']);
  const workers = workersOf(fleet);
  const [before, small] = [openFiles(pid), memory(pid)];
  const { attacks } = await attack(path, SEED, FOR_MS, 50);
  t.true(attacks > 50, `${attacks} attacks`);

  const thousand = Array.from({ length: 1000 }, () => connect(path).on('error', () => {}));
  t.like(await ask(t, { port }, '/ok'), { status: 200 });
  for (const socket of thousand) socket.destroy();

  const { code, out, err } = await cordon(t, fleet, ['status']);
  t.is(err, '');
  t.is(code, 0);
  t.regex(out, /^busy serving · 2\/2 serve · generation 1 .* no errors/);
  t.deepEqual(workersOf(fleet), workers, 'no worker was replaced');
  await until(
    () => `no connection is left: ${openFiles(pid)} open files, ${before} before`,
    () => openFiles(pid) <= before,
  );
  t.log(`${attacks} attacks, from ${Math.round(small / 1e6)} to ${Math.round(memory(pid) / 1e6)} MB`);
  t.true(memory(pid) < 450 * 1024 * 1024);
  t.is(fleet.stderr(), '');
  t.deepEqual(
    fleet.lines.filter(({ level }) => level === 'error' || level === 'fatal'),
    [],
  );
  t.is(await fleet.stop(), 0);
});
