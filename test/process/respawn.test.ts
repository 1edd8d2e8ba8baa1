// Dead workers and those that cannot start: the port stays open, each death is told once, and the fleet comes back by itself.
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ask } from '../support/client.js';
import { type Fleet, fixture, startFleet } from '../support/fleet.js';

const quick = {
  CORDON_RESTART_BACKOFF_MIN: '50ms',
  CORDON_RESTART_BACKOFF_MAX: '400ms',
  CORDON_RESTART_INTENSITY_RESTARTS: '1000',
  CORDON_RESTART_INTENSITY_WITHIN: '1s',
};

/** A program of its own folder, which may be mended while it is tried. */
function written(t: ExecutionContext, text: string): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cordon-')));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'server.mjs');
  writeFileSync(file, text);
  return file;
}

async function busy(t: ExecutionContext, workers: number): Promise<{ fleet: Fleet; target: { port: number } }> {
  const fleet = startFleet(t, [fixture('process/busy.mjs'), '-w', String(workers)], { env: quick });
  const target = { port: await fleet.port() };
  await fleet.ready();
  return { fleet, target };
}

for (const [path, how, what] of [
  ['/exit?code=0', 'exit code 0', 'has ended by itself'],
  ['/exit?code=5', 'exit code 5', 'died'],
  ['/kill', 'SIGKILL', 'died'],
] as const) {
  test(`a worker that ends with ${how} is replaced`, async (t) => {
    const { fleet, target } = await busy(t, 1);
    t.is((await ask(t, target, path)).became, 'broken');
    const { worker, pid } = await fleet.line(new RegExp(`^worker 1 ${what} \\(${how}\\)`));
    t.is(worker, 1);
    t.is(typeof pid, 'number');
    await fleet.line(/^worker 2 is ready/);
    t.like(await ask(t, target, '/ok'), { status: 200 });
    t.is(await fleet.stop(), 0);
  });
}

test('with every worker dead, clients wait in the backlog and are answered', async (t) => {
  const { fleet, target } = await busy(t, 2);
  const pids = fleet.lines.filter(({ msg }) => /is ready/.test(msg)).map(({ pid }) => pid as number);
  t.is(pids.length, 2);
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  await Promise.all([1, 2].map((id) => fleet.line(new RegExp(`^worker ${id} died`))));
  const outcomes = await Promise.all(Array.from({ length: 40 }, () => ask(t, target, '/ok')));
  for (const outcome of outcomes) t.like(outcome, { status: 200 });
  t.is(await fleet.stop(), 0);
});

test('a program that dies while booting says so once, is tried ever more slowly, and recovers when it is mended', async (t) => {
  const file = written(t, `console.error('about to die'); throw new Error('no database at ' + process.pid);`);
  const fleet = startFleet(t, [file, '-w', '1'], { env: quick });
  const died: number[] = [];
  let waits: number[] = [];
  for (let worker = 1; worker <= 6; worker++) {
    const { msg } = await fleet.line(new RegExp(`^worker ${worker} died before it was ready \\(exit code 1\\)`));
    died.push(worker);
    waits.push(Number(/starts in (\d+) ms/.exec(msg)?.[1] ?? 0));
  }
  await fleet.line(/^worker 6 said the same as worker 1/);
  waits = waits.slice(0, 4);
  t.deepEqual(
    waits,
    waits.toSorted((a, b) => a - b),
  );
  t.is(waits[0], 0);
  t.true((waits[3] as number) > (waits[1] as number));

  const words = fleet.lines.filter(({ stream }) => stream === 'stderr');
  t.is(words.filter(({ msg }) => msg === 'about to die').length, 1);
  t.is(words.filter(({ msg }) => msg.startsWith('Error: no database')).length, 1);
  t.true(words.every(({ worker }) => worker === 1));
  t.is(fleet.lines.filter(({ msg }) => msg.startsWith('degraded: ')).length, 1);
  t.regex((await fleet.line(/^degraded: /)).msg, /0 of 1 workers? serve/);

  writeFileSync(
    file,
    `import { createServer } from 'node:http';
    createServer((_, response) => response.end('mended')).listen(0, function () { console.log('port ' + this.address().port); });`,
  );
  const port = await fleet.port();
  t.like(await ask(t, { port }, '/'), { status: 200, body: 'mended' });
  await fleet.line(/^recovered: 1 of 1 workers? serve/);
  t.is(await fleet.stop(), 0);
});

test('a program that dies soon after it was ready is tried ever more slowly, and the first start after it is mended stands', async (t) => {
  const server = `import { createServer } from 'node:http';
    createServer((_, response) => response.end('ok')).listen(0, '127.0.0.1');`;
  const file = written(t, `${server} setTimeout(() => process.exit(7), 100);`);
  const env = { ...quick, CORDON_RESTART_BACKOFF_MIN: '200ms', CORDON_RESTART_BACKOFF_MAX: '3s' };
  const fleet = startFleet(t, [file, '-w', '1'], { env });
  const waits: number[] = [];
  for (let worker = 1; worker <= 5; worker++) {
    await fleet.line(new RegExp(`^worker ${worker} is ready`));
    const { msg } = await fleet.line(new RegExp(`^worker ${worker} died \\(exit code 7\\)`));
    waits.push(Number(/starts in ([\d.]+ m?s)/.exec(msg)?.[1]?.replace(/ s$/, 'e3').replace(/ ms$/, '') ?? 0));
  }
  t.is(waits[0], 0);
  t.true((waits[4] as number) > 2 * (waits[1] as number), String(waits));
  // Amid the longest wait so far: the next that starts runs what is there now.
  writeFileSync(file, server);
  await fleet.line(/^worker 6 is ready/);
  t.is(fleet.lines.filter(({ msg }) => / starts in slot /.test(msg)).length, 6);
  t.is(await fleet.stop(), 0);
});

test('a program that ends by itself is started again, slower and slower', async (t) => {
  const fleet = startFleet(t, [written(t, 'process.exit(0);'), '-w', '1'], { env: quick });
  await fleet.line(/^worker 1 has ended by itself before it was ready \(exit code 0\)/);
  await fleet.line(/^worker 4 has ended by itself before it was ready \(exit code 0\); the next one starts in/);
  await fleet.line(/^degraded/);
  t.is(await fleet.stop(), 0);
});

test('a syntax error at the first start is one sentence with its place, and exit code 1', async (t) => {
  const file = written(t, 'const a = 1;\nconst = 2;\n');
  const fleet = startFleet(t, [file, '-w', '2'], { env: quick });
  t.is(await fleet.ended, 1);
  t.regex(fleet.stderr(), /^cordon: cannot start: .*server\.mjs:2 does not parse: SyntaxError.*\n$/);
});

test('a taken port at the first start is one sentence with its name, and exit code 73', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const asked = startFleet(t, [fixture('process/busy.mjs'), '-w', '2', '--listen', `127.0.0.1:${port}`]);
  const program = written(t, `import { createServer } from 'node:http'; createServer().listen(${port}, '127.0.0.1');`);
  const found = startFleet(t, [program, '-w', '2']);
  t.is(await asked.ended, 73);
  t.is(await found.ended, 73);
  for (const fleet of [asked, found])
    t.regex(
      fleet.stderr(),
      new RegExp(`^cordon: cannot listen on 127\\.0\\.0\\.1:${port}: the address is taken \\(EADDRINUSE\\)[^\\n]*\\n$`),
    );
});
