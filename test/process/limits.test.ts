// Workers that have come to a limit are replaced under load, and nobody's request is lost by it.
import { existsSync, mkdtempSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ask } from '../support/client.js';
import { fixture, startFleet } from '../support/fleet.js';
import { lost, startLoad } from '../support/load.js';
import { gone, isAlive } from '../support/processes.js';

const quick = { CORDON_HEALTH_BEAT: '100ms' };

for (const [limit, path, args, env, said] of [
  ['memory', '/leak', ['--max-memory', '120MB'], {}, /holds \d+MB of memory, and may have \d+MB: it is replaced$/],
  [
    'heap',
    '/heap',
    ['--node-args', '--max-old-space-size=128'],
    { CORDON_LIMITS_HEAP: '0.3' },
    /has \d+ % of its heap in use, and may have \d+ %: it is replaced$/,
  ],
  ['requests', '/pid', ['--max-requests', '500'], {}, /has served \d+ requests, and may serve \d+: it is replaced$/],
  [
    'lifetime',
    '/pid',
    ['--max-lifetime', '1s'],
    {},
    /has served for [\d.]+ m?s, and may for [\d.]+ m?s: it is replaced$/,
  ],
] as const)
  test.serial(`limits.${limit}: a worker that has come to it is replaced, and no request is lost`, async (t) => {
    const fleet = startFleet(t, [fixture('process/limited.mjs'), '-w', '2', ...args], { env: { ...quick, ...env } });
    const target = { port: await fleet.port() };
    await fleet.ready();
    // What is left of the limit is spent slowly enough for a successor to boot meanwhile.
    const load = startLoad(t, target, 2, (index) => ({ path: index % 10 === 0 ? path : '/pid' }));
    const first = await fleet.line(said);
    await fleet.line(new RegExp(`^worker ${first.worker} drains .*: it is to be replaced$`));
    await fleet.line(new RegExp(`^worker ${first.worker} is gone \\(exit code 0\\)`));
    const told = await load.end();
    t.true(told.length > 0);
    t.deepEqual(lost(told), []);
    t.is(await fleet.stop(), 0);
  });

function written(t: ExecutionContext, text: string): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cordon-')));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'server.mjs');
  writeFileSync(file, text);
  return file;
}

test.serial('restart.giveUp ends cordon with exit code 1 and the reason', async (t) => {
  const fleet = startFleet(t, [written(t, 'process.exit(3);'), '-w', '2'], {
    env: {
      ...quick,
      CORDON_RESTART_GIVE_UP: '3',
      CORDON_RESTART_BACKOFF_MIN: '10ms',
      CORDON_RESTART_BACKOFF_MAX: '20ms',
    },
  });
  t.is(await fleet.ended, 1);
  await fleet.line(/^giving up: every worker has failed 3 times or more in a row$/);
  t.regex(fleet.stderr(), /^cordon: gave up: every worker has failed 3 times .*died at boot, exit code 3; .*\n$/);
});

test.serial('a job that ends by itself with exit code 0 is started again, and told as what it is', async (t) => {
  const job = written(t, `console.log('done'); setTimeout(() => {}, 100);`);
  const fleet = startFleet(t, [job, '-w', '1', '--ready', 'start'], {
    env: { ...quick, CORDON_RESTART_BACKOFF_MIN: '10ms', CORDON_RESTART_BACKOFF_MAX: '20ms' },
  });
  t.is((await fleet.line(/^worker 1 has ended by itself \(exit code 0\)/)).level, 'warn');
  await fleet.line(/^worker 2 is ready/);
  t.is(await fleet.stop(), 0);
});

test.serial('a worker that grows past 1.5 times its memory limit while it drains is killed', async (t) => {
  const args = ['--max-memory', '120MB', '-w', '1'];
  const fleet = startFleet(t, [fixture('process/limited.mjs'), ...args], { env: quick });
  const target = { port: await fleet.port() };
  await fleet.ready();
  const hoarding = ask(t, target, '/hoard');
  await fleet.line(/^worker 1 holds \d+MB of memory, .*: it is replaced$/);
  await fleet.line(/^worker 1 drains/);
  await fleet.line(/^worker 1 is killed: it has grown past 1\.5 times limits\.memory while it drained$/);
  t.is((await hoarding).became, 'broken');
  t.like(await ask(t, target, '/pid'), { status: 200 });
  t.is(await fleet.stop(), 0);
});

test.serial('what Node leaves behind when the heap is full is named, and in the book', async (t) => {
  const program = written(
    t,
    `import { createServer } from 'node:http';
    createServer((_, response) => { const all = []; for (;;) all.push(Buffer.alloc(100_000, 65).toString('latin1')); }).listen(0, '127.0.0.1', function () { console.log('port ' + this.address().port); });`,
  );
  const folder = dirname(program);
  const options = [
    '--max-old-space-size=32',
    '--heapsnapshot-near-heap-limit=1',
    '--report-on-fatalerror',
    `--report-directory=${folder}`,
  ];
  const fleet = startFleet(t, [program, '-w', '1', '--node-args', options.join(' ')], {
    // The event loop stands still while a snapshot is written.
    env: { ...quick, CORDON_HEALTH_HANG: '60s' },
    cwd: folder,
  });
  const target = { port: await fleet.port() };
  void ask(t, target, '/');
  const snapshot = await fleet.line(/^worker 1: .*\.heapsnapshot$/);
  const { msg, worker } = await fleet.line(/^worker 1: Node's report of a fatal error was written: .*report.*\.json$/);
  t.is(worker, 1);
  const [name = ''] = /report[\w.]*\.json$/.exec(msg) ?? [];
  await fleet.line(/^worker 1 died/);
  t.true(existsSync(join(folder, name)));
  const [heap = ''] = /[\w.-]+\.heapsnapshot$/.exec(snapshot.msg) ?? [];
  t.true(statSync(join(folder, heap)).size > 1_000_000);
  t.is(await fleet.stop(), 0);
});

test.serial("a worker's own children do not outlive it when it is killed for standing still", async (t) => {
  const fleet = startFleet(t, [fixture('process/busy.mjs'), '-w', '1'], {
    env: { ...quick, CORDON_HEALTH_HANG: '1s', CORDON_HEALTH_ON_HANG: 'kill' },
  });
  const target = { port: await fleet.port() };
  await fleet.ready();
  const child = await ask(t, target, '/child');
  t.true(child.became === 'answered');
  const pid = Number(child.became === 'answered' ? child.body : 0);
  t.true(isAlive(pid));
  void ask(t, target, '/block?ms=60000');
  await fleet.line(/^worker 1 is gone, killed/);
  await gone([pid]);
  t.is(await fleet.stop(), 0);
});
