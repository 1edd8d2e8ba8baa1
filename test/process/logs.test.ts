// What the operator reads: whole, in order, by whom, and no more than once; and a reader who leaves takes nobody along.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { ask } from '../support/client.js';
import { type Fleet, fixture, startFleet } from '../support/fleet.js';
import { gone, isAlive } from '../support/processes.js';

async function start(t: ExecutionContext, ...args: string[]): Promise<{ fleet: Fleet; target: { port: number } }> {
  const fleet = startFleet(t, [fixture('process/busy.mjs'), '-w', '1', ...args], {
    env: { CORDON_RESTART_INTENSITY_RESTARTS: '1000', CORDON_RESTART_INTENSITY_WITHIN: '1s' },
  });
  const target = { port: await fleet.port() };
  await fleet.ready();
  return { fleet, target };
}

test('each line about a worker says which, in which slot, with which pid and generation, and why', async (t) => {
  const { fleet, target } = await start(t, '--name', 'shop');
  await ask(t, target, { path: '/fail/timer?a=b', method: 'DELETE', headers: { 'x-request-id': 'r1' } });
  await fleet.line(/^worker 1 is gone/);
  t.is(await fleet.stop(), 0);
  for (const line of fleet.lines) {
    t.is(line['app'], 'shop');
    t.false(Number.isNaN(Date.parse(String(line['time']))));
    if (!/^worker \d|^port|^Bug/.test(line.msg)) continue;
    t.is(typeof line.worker, 'number', line.msg);
    t.is(typeof line.slot, 'number', line.msg);
    t.is(typeof line.pid, 'number', line.msg);
    t.is(line.generation, 1, line.msg);
    if (/drains|is gone|faulty/.test(line.msg)) t.regex(line.cause ?? '', /^(fault|stop)$/, line.msg);
  }
  const error = await fleet.line(/^Bug: timer/);
  t.like(error, { level: 'error', worker: 1, cause: 'fault', count: 1, origin: 'uncaughtException' });
  t.deepEqual(error['request'], { method: 'DELETE', path: '/fail/timer?a=b', id: 'r1' });
  t.regex(String(error['stack']), /failures\.mjs/);
  t.like(await fleet.line(/^port/), { stream: 'stdout', level: 'info' });
});

for (const then of ['exit', 'kill'] as const) {
  test(`20,000 lines that a worker prints before its end (${then}) are all there, in order`, async (t) => {
    const { fleet, target } = await start(t);
    t.is((await ask(t, target, `/print?lines=20000&then=${then}`)).became, 'broken');
    await fleet.line(({ msg }) => msg === 'line 20000');
    const lines = fleet.lines.filter(({ msg }) => msg.startsWith('line ')).map(({ msg }) => Number(msg.slice(5)));
    t.is(lines.length, 20_000);
    t.true(lines.every((number, index) => number === index + 1));
    await fleet.line(/^worker 2 is ready/);
    t.is(await fleet.stop(), 0);
  });
}

test('the last words of a crash while booting are told, with the line that says why', async (t) => {
  const fleet = startFleet(t, [fixture('process/crashing.mjs'), '-w', '1']);
  await fleet.line(/^worker 1 died before it was ready \(exit code 1\)/);
  t.like(await fleet.line(/^Error: no database/), { stream: 'stderr', worker: 1, level: 'warn' });
  t.is(await fleet.stop(), 0);
});

test('like errors are one incident: told at the first and at each tenfold occurrence', async (t) => {
  const { fleet, target } = await start(t);
  // Errors that come together are told together: each milestone is waited for before the next is within reach.
  for (const [errors, milestone] of [
    [1, /^Bug: immediate/],
    [10, /\b1\d times now/],
    [90, /\b10\d times now/],
  ] as const) {
    for (const outcome of await Promise.all(Array.from({ length: errors }, () => ask(t, target, '/fail/immediate'))))
      t.like(outcome, { status: 500 });
    await fleet.line(milestone);
  }
  t.is(await fleet.stop(), 0);
  const told = fleet.lines.filter(({ msg }) => msg.startsWith('Bug: immediate'));
  t.is(told.length, 3);
  t.is(new Set(told.map(({ incident }) => incident)).size, 1);
  const counts = told.map(({ count }) => String(count).length);
  t.deepEqual(counts, [1, 2, 3]);
  for (const { request } of told) t.like(request, { method: 'GET', path: '/fail/immediate' });
  t.is(told[1]?.['stack'], undefined);
});

const main = fileURLToPath(new URL('../../cli/main.js', import.meta.url));

test('a reader who leaves after the first line ends neither the fleet nor its workers', async (t) => {
  const child = spawn(
    process.execPath,
    [main, 'start', fixture('process/busy.mjs'), '-w', '2', '--log-format', 'json', '--name', `json-${process.pid}`],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  t.teardown(() => void child.kill('SIGKILL'));
  const ended = once(child, 'exit');
  const reader = createInterface({ input: child.stdout });
  const pids: number[] = [];
  let port = 0;
  for await (const line of reader) {
    const { msg, pid, worker } = JSON.parse(line) as { msg: string; pid?: number; worker?: number };
    if (pid !== undefined && worker !== undefined && /is ready/.test(msg)) pids.push(pid);
    port = Number(/^port (\d+)/.exec(msg)?.[1] ?? port);
    if (pids.length === 2 && port > 0) break;
  }
  child.stdout.destroy();
  t.like(await ask(t, { port }, '/print?lines=2000'), { status: 200, body: 'printed\n' });
  t.like(await ask(t, { port }, '/fail/timer'), { status: 500 });
  for (let round = 0; round < 20; round++) t.like(await ask(t, { port }, '/print?lines=10'), { status: 200 });
  t.true(isAlive(child.pid as number));
  child.kill('SIGTERM');
  t.deepEqual(await ended, [0, null]);
  await gone(pids);
});

test('readable lines on request: time, who, and the sentence', async (t) => {
  const child = spawn(
    process.execPath,
    [
      main,
      'start',
      fixture('process/busy.mjs'),
      '-w',
      '1',
      '--log-format',
      'pretty',
      '--name',
      `pretty-${process.pid}`,
    ],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined },
    },
  );
  t.teardown(() => void child.kill('SIGKILL'));
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (/port \d+$/.test(line)) child.kill('SIGTERM');
  }
  t.true(
    lines.every((line) => /^\d\d:\d\d:\d\d (cordon( #1)?|#1) +\S/.test(line)),
    lines.join('\n'),
  );
  t.true(
    lines.some((line) => /^\S+ cordon #1 {2}worker 1 is ready \(1 of 1\)$/.test(line)),
    lines.join('\n'),
  );
  t.true(
    lines.some((line) => /^\S+ #1 {8,}port \d+$/.test(line)),
    lines.join('\n'),
  );
});
