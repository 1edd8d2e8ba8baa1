// profile and inspect, through the real command and a real fleet: one live worker is looked into, and nobody notices.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import test, { type ExecutionContext } from 'ava';
import { Inspector } from '../../supervisor/hang/inspector.js';
import { cordon, within } from '../support/cordon.js';
import { type Fleet, fixture, main, startFleet } from '../support/fleet.js';
import { halted, workersOf } from '../support/processes.js';
import { until } from '../support/until.js';

const busy = fixture('process/busy.mjs');

/** Nobody is killed for being stopped, however slow this machine is. */
async function running(t: ExecutionContext): Promise<{ fleet: Fleet; pids: readonly number[] }> {
  const fleet = startFleet(t, [busy, '-w', '2'], { env: { CORDON_HEALTH_HANG: '10m' } });
  await fleet.ready();
  return { fleet, pids: workersOf(fleet) };
}

const read = (file: string): Record<string, unknown> =>
  JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;

test('a CPU profile and a heap snapshot of a live worker are files for their owner alone, and no worker is replaced', async (t) => {
  const { fleet, pids } = await running(t);
  const cpu = join(fleet.runtime, 'a.cpuprofile');
  const heap = join(fleet.runtime, 'a.heapsnapshot');
  const [profiled, snapped] = await Promise.all([
    cordon(t, fleet, ['profile', '1', '--cpu', '200ms', '-o', cpu]),
    cordon(t, fleet, ['profile', '2', '--heap', '-o', heap, '--json']),
  ]);
  t.is(profiled.err + snapped.err, '');
  t.true(profiled.out.startsWith(`${cpu} (`), profiled.out);
  t.like(JSON.parse(snapped.out), { version: 1, ok: true, worker: 2, file: heap, bytes: statSync(heap).size });
  const { nodes, startTime, endTime, samples } = read(cpu);
  t.true(Array.isArray(nodes) && Array.isArray(samples) && samples.length > 0);
  t.true(Number(endTime) - Number(startTime) >= 190_000, 'microseconds');
  t.true(Array.isArray(read(heap)['nodes']));
  for (const file of [cpu, heap]) t.is(statSync(file).mode & 0o777, 0o600);

  for (const [words, code, says] of [
    [['1', '-o', cpu], 73, /a\.cpuprofile: it is there already; name another with --output\.$/m],
    [['9'], 1, /^cordon: there is no worker 9; there are 1, 2\.$/m],
    [['1', '--cpu', '10'], 64, /--cpu: expected a time with its unit, such as "10s", got "10"/],
    [['1', '--cpu', '1h'], 1, /^cordon: expected from 10ms to 5m, got 3600000 ms\.$/m],
    [['1', '--cpu', '1s', '--heap'], 64, /expected either --cpu or --heap/],
    [['one'], 64, /expected the id of a worker, such as 3, got "one"/],
  ] as const) {
    const said = await cordon(t, fleet, ['profile', ...words]);
    t.is(said.code, code, words.join(' '));
    t.regex(said.err, says);
    t.is(said.out, '');
  }
  t.deepEqual(workersOf(fleet), pids);
  t.deepEqual(
    readdirSync(fleet.runtime).filter((name) => /profile/.test(name)),
    ['a.cpuprofile'],
    'nothing is left behind where it failed',
  );
  t.is(await fleet.stop(), 0);
});

test('a worker that is stuck, or goes meanwhile, is told as such, and leaves no file', async (t) => {
  const { fleet, pids } = await running(t);
  const [first = 0, second = 0] = pids;
  await halted(first);
  const file = join(fleet.runtime, 'stuck.cpuprofile');
  const stuck = cordon(t, fleet, ['profile', '1', '-o', file]);
  const lost = cordon(t, fleet, ['profile', '2', '--cpu', '1m', '-o', join(fleet.runtime, 'lost.cpuprofile')]);
  await fleet.line(/^worker 2: its CPU is profiled for 1m$/);
  const again = await cordon(t, fleet, ['inspect', '2']);
  t.is(again.err, 'cordon: worker 2 is being looked into already.\n');
  process.kill(second, 'SIGKILL');
  t.like(await lost, { code: 1, out: '', err: 'cordon: worker 2 is gone.\n' });
  t.like(await stuck, {
    code: 1,
    err: 'cordon: worker 1 does not answer: its event loop is busy, or stands still.\n',
  });
  t.false(existsSync(file) || existsSync(join(fleet.runtime, 'lost.cpuprofile')));
  process.kill(first, 'SIGCONT');
  t.is(await fleet.stop(), 0);
});

test('an inspector is open as long as the command runs, and closed again when it ends, even by SIGKILL', async (t) => {
  const { fleet, pids } = await running(t);
  const inspect = async (): Promise<{ url: string; end: (signal: NodeJS.Signals) => Promise<string> }> => {
    const child = spawn(process.execPath, [main, 'inspect', '1', '--json'], { env: within(fleet.runtime) });
    t.teardown(() => void child.kill('SIGKILL'));
    const ended = once(child, 'close');
    let err = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
    const { value } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
    const { url } = JSON.parse(String(value)) as { url: string };
    return {
      url,
      end: async (signal) => {
        child.kill(signal);
        await ended;
        return err;
      },
    };
  };
  for (const [signal, says] of [
    ['SIGINT', 'cordon: the inspector of worker 1 is closed again\n'],
    ['SIGKILL', ''],
  ] as const) {
    const before = fleet.lines.length;
    const { url, end } = await inspect();
    const inspector = await Inspector.open(url);
    const answer = await inspector.call('Runtime.evaluate', { expression: 'process.pid' });
    t.like(answer, { result: { value: pids[0] } });
    t.is(await end(signal), says);
    await fleet.line(/^worker 1: its inspector is closed again$/, before);
    // The worker hears of it a moment later; then nobody is connected, and nobody can be.
    await until('the inspector answers no more', () =>
      inspector.call('Runtime.evaluate', { expression: '1' }).then(
        () => false,
        () => true,
      ),
    );
    await t.throwsAsync(Inspector.open(url), { message: /ECONNREFUSED/ });
  }
  t.deepEqual(workersOf(fleet), pids);
  t.deepEqual(
    fleet.lines.filter(({ msg }) => /Debugger|inspector, see/.test(msg)),
    [],
    "Node's own word on it is not the program's",
  );
  t.is(await fleet.stop(), 0);
});
