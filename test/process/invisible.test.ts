// What a program sees of cordon: nothing. What it would hear of its own errors, it hears; what it would decide, it decides.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import test, { type ExecutionContext } from 'ava';
import { type Answer, ask, Connection, type Target } from '../support/client.js';
import { type Fleet, fixture, startFleet } from '../support/fleet.js';

async function answer(t: ExecutionContext, target: Target, path: string): Promise<Answer> {
  const outcome = await ask(t, target, path);
  if (outcome.became !== 'answered') throw new Error(`${path}: ${outcome.why}`);
  return outcome;
}

/** The same program as a worker of plain node:cluster; its port. */
async function bare(t: ExecutionContext, file: string, args: readonly string[] = []): Promise<Target> {
  const child = spawn(process.execPath, [fixture('process/cluster-of-one.mjs'), file, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => void child.kill());
  for await (const line of createInterface({ input: child.stdout })) {
    const port = /^port (\d+)/.exec(line)?.[1];
    if (port !== undefined) return { port: Number(port) };
  }
  throw new Error(`${file} printed no port`);
}

async function start(
  t: ExecutionContext,
  file: string,
  env: NodeJS.ProcessEnv = {},
  args: readonly string[] = [],
): Promise<{ fleet: Fleet; target: Target }> {
  const fleet = startFleet(t, [fixture(`process/${file}`), '-w', '1', ...args], { env });
  const target = { port: await fleet.port() };
  await fleet.ready();
  return { fleet, target };
}

test('a program sees the same of itself, its server and its requests as without cordon', async (t) => {
  const args = ['--', '--flag', 'word'];
  const { target } = await start(t, 'seen.mjs', {}, args);
  const plain = await bare(t, fixture('process/seen.mjs'), args.slice(1));
  const under = JSON.parse((await answer(t, target, '/a?b')).body) as Record<string, unknown>;
  const without = JSON.parse((await answer(t, plain, '/a?b')).body) as Record<string, unknown>;
  t.deepEqual(under, without);
  t.is(under['store'], '/a?b');
});

test('a program in CommonJS is the main module, with its own arguments', async (t) => {
  const { target } = await start(t, 'main.cjs', {}, ['--', 'one', '--two']);
  const plain = await bare(t, fixture('process/main.cjs'), ['one', '--two']);
  t.is((await answer(t, target, '/')).body, (await answer(t, plain, '/')).body);
  t.regex((await answer(t, target, '/')).body, /^\[true,/);
});

for (const framework of ['express', 'fastify', 'koa']) {
  test(`${framework}'s own error handlers answer as they do without cordon`, async (t) => {
    const { fleet, target } = await start(t, 'own-errors.mjs', { FRAMEWORK: framework });
    for (const how of ['sync', 'async']) {
      const { status, body } = await answer(t, target, `/${how}`);
      t.is(status, 418);
      t.is(body, framework === 'koa' ? how : `${framework} caught ${how}`);
      if (framework === 'koa') await fleet.line(new RegExp(`koa heard ${how}`));
    }
    t.is(await fleet.stop(), 0);
    t.false(fleet.lines.some(({ cause }) => cause === 'fault'));
  });
}

const heardOf: Record<string, { rejections?: string; path: string; lines: string[] }> = {
  'a thrown error': {
    path: '/fail/timer',
    lines: ['monitor: timer uncaughtException', 'exception: timer uncaughtException'],
  },
  'a rejection that no listener wants': {
    path: '/fail/reject-early',
    lines: ['monitor: reject-early unhandledRejection', 'exception: reject-early unhandledRejection'],
  },
  'a rejection': { rejections: '1', path: '/fail/reject-late', lines: ['rejection: reject-late promise'] },
  'an error after the answer': {
    path: '/fail/end-then-throw',
    lines: ['monitor: end-then-throw uncaughtException', 'exception: end-then-throw uncaughtException'],
  },
};

for (const [what, { rejections, path, lines }] of Object.entries(heardOf)) {
  test(`the program's own listeners hear of ${what} once, as in plain Node`, async (t) => {
    const { fleet, target } = await start(t, 'reporters.mjs', { REJECTIONS: rejections });
    await answer(t, target, path);
    await fleet.line(/is gone \(exit code 81\)/);
    t.is(await fleet.stop(), 0);
    const said = fleet.lines
      .filter(({ stream, msg }) => stream === 'stdout' && !msg.startsWith('port'))
      .map(({ msg }) => msg);
    t.deepEqual(said, lines);
  });
}

const exits = ['now', 'later', 'with a core dump', 'without a word', 'as a monitor', 'by a bug in a monitor'];
for (const exit of exits) {
  test(`a listener that ends the process (${exit}) does not end it for those in flight`, async (t) => {
    const { fleet, target } = await start(t, 'reporters.mjs', { EXIT: exit });
    const innocent = await new Connection(t, target).connected();
    const slow = innocent.ask('/slow?ms=400');
    t.is((await answer(t, target, '/ok')).status, 200);
    t.is((await answer(t, target, '/fail/timer')).status, 500);
    t.like(await slow, { status: 200, body: 'ok\n' });
    innocent.close();
    await fleet.line(/^worker 1 is gone \(exit code 81\)/);
    t.is(await fleet.stop(), 0);
  });
}

test('process.exit anywhere else is process.exit', async (t) => {
  const { fleet, target } = await start(t, 'reporters.mjs');
  t.is((await ask(t, target, '/exit')).became, 'broken');
  await fleet.line(/^worker 1 died \(exit code 7\)/);
  await fleet.line(/^worker 2 is ready/);
  t.is((await answer(t, target, '/ok')).status, 200);
  t.is(await fleet.stop(), 0);
});

test("the cluster example of Node's document on domains runs unchanged, and its disconnect is a drain", async (t) => {
  const fleet = startFleet(t, [fixture('process/node-domain.cjs'), '-w', '2']);
  const target = { port: await fleet.port() };
  await fleet.ready();
  const innocents = Array.from({ length: 8 }, () => ask(t, target, '/slow'));
  t.is((await answer(t, target, '/')).body, 'ok');
  const failed = await answer(t, target, '/error');
  t.is(failed.status, 500);
  t.is(failed.body, 'Oops, there was a problem!\n');
  for (const innocent of await Promise.all(innocents)) t.like(innocent, { status: 200, body: 'ok' });
  const { worker } = await fleet.line(/ leaves: its program left the cluster/);
  await fleet.line(/^error ReferenceError: flerb is not defined/);
  await fleet.line(new RegExp(`^worker ${worker} is gone \\(exit code 0\\)`));
  await fleet.line(/^worker 3 is ready/);
  t.is((await answer(t, target, '/')).body, 'ok');
  t.is(await fleet.stop(), 0);
});
