// A process that stands still, opened from outside.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { get } from 'node:http';
import { createInterface } from 'node:readline';
import test, { type ExecutionContext } from 'ava';
import { Examination } from '../../../supervisor/hang/examine.js';
import type { Finding, Orders } from '../../../supervisor/hang/protocol.js';
import { fixture } from '../../support/fleet.js';

interface Stuck {
  readonly child: ChildProcess;
  readonly examination: Examination;
  /** What it printed on stderr that is its own. */
  readonly printed: string[];
  /** Resolves to a status or an error's code. */
  ask(path: string): Promise<number | string>;
  /** Resolves when the request has arrived there. */
  arrived(): Promise<unknown>;
}

async function start(t: ExecutionContext, ...args: string[]): Promise<Stuck> {
  const child = fork(fixture('hang/stuck.mjs'), args, {
    execArgv: ['--inspect-port=127.0.0.1:0'],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const examination = new Examination();
  const printed: string[] = [];
  if (child.stderr)
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (!examination.said(line)) printed.push(line);
    });
  const [port] = (await once(child, 'message')) as [number];
  return {
    child,
    examination,
    printed,
    ask: (path) =>
      new Promise((resolve) => {
        get({ port, path, agent: false }, (response) => resolve(response.resume().statusCode ?? 0)).on(
          'error',
          (error: NodeJS.ErrnoException) => resolve(error.code ?? ''),
        );
      }),
    arrived: () => once(child, 'message'),
  };
}

async function examine({ child, examination }: Stuck, onHang: Orders['onHang'], hangMs = 0): Promise<Finding[]> {
  const findings: Finding[] = [];
  await examination.run(
    (signal) => child.kill(signal),
    { onHang, hangMs },
    (finding) => finding.type !== 'opened' && findings.push(finding),
  );
  return findings;
}

const SPINS_AT =
  readFileSync(fixture('hang/stuck.mjs'), 'utf8')
    .split('\n')
    .findIndex((line) => line.includes('for (;;)')) + 1;

for (const path of ['/loop', '/later']) {
  test(`a loop in a request (${path}) is named by function, file, line and request, and ended where Node survives it`, async (t) => {
    const stuck = await start(t);
    const slow = stuck.ask('/slow');
    await stuck.arrived();
    void stuck.ask(path);
    await stuck.arrived();
    const [seen, done] = await examine(stuck, 'free');
    t.like(seen, {
      type: 'stack',
      frames: [{ name: 'spin', file: fixture('hang/stuck.mjs'), line: SPINS_AT }],
      request: { method: 'GET', path: '/here', id: '7' },
    });
    const survives = path === '/loop' || Number.parseInt(process.versions.node, 10) >= 24;
    t.deepEqual(done, { type: survives ? 'terminated' : 'doomed' });
    t.is(await slow, survives ? 200 : 503);
    t.deepEqual(stuck.printed, [], 'what Node says of its inspector is nothing that the program has printed');
  });
}

test('one that is only looked at goes on as it was', async (t) => {
  const stuck = await start(t);
  void stuck.ask('/timer');
  await stuck.arrived();
  t.like(await examine(stuck, 'report'), [{ type: 'stack', frames: [{ name: 'spin' }, { name: 'listOnTimeout' }] }]);
  t.is(stuck.child.exitCode, null);
});

test('one that keeps SIGUSR1 for itself is not opened, and says why', async (t) => {
  const stuck = await start(t, 'deaf');
  void stuck.ask('/loop');
  await stuck.arrived();
  t.deepEqual(await examine(stuck, 'free'), [
    { type: 'failed', why: 'its inspector does not answer; does the program listen to SIGUSR1 itself?' },
  ]);
});

for (const [path, onHang] of [
  ['/timer', 'free'],
  ['/loop', 'kill'],
] as const) {
  test(`one that is to be killed (${path}, ${onHang}) answers what is open 503 first`, async (t) => {
    const stuck = await start(t);
    const slow = stuck.ask('/idle');
    await stuck.arrived();
    const guilty = stuck.ask(path);
    await stuck.arrived();
    const findings = await examine(stuck, onHang);
    t.deepEqual(findings.at(-1), { type: 'doomed' });
    t.deepEqual(await Promise.all([slow, guilty]), [503, 503]);
  });
}

test('one that is not stuck any more goes on as it was', async (t) => {
  const stuck = await start(t);
  t.deepEqual(await examine(stuck, 'free', 3_600_000), [{ type: 'awake' }]);
  const slow = stuck.ask('/slow');
  t.is(await slow, 200);
});
