// Orders to a running fleet, through the real command: each answers what happened.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { OrderOutcome, StatusReply } from '../../supervisor/control/protocol.js';
import { Connection, ask as get } from '../support/client.js';
import { ask, cordon, within } from '../support/cordon.js';
import { type Fleet, fixture, main, startFleet } from '../support/fleet.js';
import { until } from '../support/until.js';

const busy = fixture('process/busy.mjs');

async function running(t: ExecutionContext, ...words: string[]): Promise<Fleet> {
  const fleet = startFleet(t, [busy, ...words]);
  await fleet.ready();
  return fleet;
}

const status = (t: ExecutionContext, fleet: Fleet): Promise<StatusReply> => ask<StatusReply>(t, fleet, ['status']);

test('reload returns when the new generation serves, and shows how far it has come', async (t) => {
  const fleet = await running(t, '-w', '2');
  const { code, out, err } = await cordon(t, fleet, ['reload']);
  t.is(code, 0, err);
  t.regex(out, /^busy serves generation 2 \(\d+\.\d s\)\n$/);
  t.regex(err, /^(?:busy: \d\/2 workers ready \(.*\)\n)+$/);
  const { generation, workers } = await status(t, fleet);
  t.is(generation, 2);
  t.deepEqual(
    workers.filter(({ phase }) => phase === 'ready').map((worker) => worker.generation),
    [2, 2],
  );
});

test('a release that does not boot: exit code 1, its last words, and the old one serves on', async (t) => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cordon-')));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const script = join(folder, 'api.cjs');
  writeFileSync(script, "require('node:http').createServer((q, s) => s.end()).listen(0);");
  const fleet = startFleet(t, [script, '-w', '1']);
  await fleet.ready();
  writeFileSync(script, "throw new Error('no such table');");
  const { code, out, err } = await cordon(t, fleet, ['reload']);
  t.is(code, 1);
  t.is(out, '');
  t.regex(err, /cordon: api: it was not reloaded, and serves on as before: worker 2 died before it was ready/);
  t.regex(err, /^ {2}Error: no such table$/m);
  t.like(await status(t, fleet), { generation: 1, serving: 1, state: 'serving' });
});

test('reload --env-update: the caller\u2019s environment replaces the one that the fleet has, once the new generation serves', async (t) => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cordon-')));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const script = join(folder, 'api.cjs');
  writeFileSync(
    script,
    `const { FLAVOUR, OLD, CORDON_SLOT, XDG_STATE_HOME } = process.env;
    if (FLAVOUR === 'bad') throw new Error('no such flavour');
    require('node:http').createServer((q, s) => s.end(JSON.stringify({ FLAVOUR, OLD, CORDON_SLOT, XDG_STATE_HOME })))
      .listen(0, function () { console.log('port ' + this.address().port); });`,
  );
  const fleet = startFleet(t, [script, '-w', '1'], { env: { FLAVOUR: 'first', OLD: 'yes' } });
  const target = { port: await fleet.port() };
  await fleet.ready();
  const seen = async (): Promise<object> => {
    const outcome = await get(t, target, '/');
    return JSON.parse(outcome.became === 'answered' ? outcome.body : '{}') as object;
  };
  const before = await seen();
  t.like(before, { FLAVOUR: 'first', OLD: 'yes' });
  await cordon(t, fleet, ['reload'], { FLAVOUR: 's3cret' });
  t.deepEqual(await seen(), before, 'not without being asked');
  const updated = await cordon(t, fleet, ['reload', '--env-update'], { FLAVOUR: 's3cret', XDG_STATE_HOME: '/nowhere' });
  t.is(updated.code, 0, updated.err);
  const after = { ...before, FLAVOUR: 's3cret' } as Record<string, string>;
  delete after['OLD'];
  t.deepEqual(await seen(), after, 'what the supervisor itself has stays its own');
  t.is((await cordon(t, fleet, ['reload', '--env-update'], { FLAVOUR: 'bad' })).code, 1);
  t.is((await cordon(t, fleet, ['reload'])).code, 0);
  t.deepEqual(await seen(), after, 'one that failed has changed nothing');
  const shown = [await cordon(t, fleet, ['describe', '--json']), await cordon(t, fleet, ['events', '--json'])];
  t.notRegex(JSON.stringify([shown, fleet.lines]), /s3cret|"bad"/);
});

test('restart replaces every worker, scale changes their number, drain replaces one', async (t) => {
  const fleet = await running(t, '-w', '1');
  t.regex((await cordon(t, fleet, ['restart'])).out, /^busy has restarted \(/);
  t.regex((await cordon(t, fleet, ['scale', '2'])).out, /^busy has 2 workers, 1 before \(/);
  t.regex((await cordon(t, fleet, ['scale', 'busy', '+1'])).out, /^busy has 3 workers, 2 before \(/);
  t.regex((await cordon(t, fleet, ['scale', '-2'])).out, /^busy has 1 worker, 3 before \(/);
  t.like(await ask<OrderOutcome>(t, fleet, ['scale', '1']), { version: 1, ok: true, from: 1, to: 1 });
  const { workers } = await status(t, fleet);
  const id = workers.find(({ phase }) => phase === 'ready')?.id ?? 0;
  t.regex(
    (await cordon(t, fleet, ['drain', String(id)])).out,
    new RegExp(`^worker ${id} is gone \\(.*\\), nothing was left open`),
  );
  const after = await status(t, fleet);
  t.is(after.serving, 1);
  t.false(after.workers.some((worker) => worker.id === id));
});

test('events have a kind, and tell the cause', async (t) => {
  const fleet = await running(t, '-w', '1');
  await cordon(t, fleet, ['reload']);
  await cordon(t, fleet, ['scale', '2']);
  const { out } = await cordon(t, fleet, ['events', '--json']);
  const told = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; cause?: string });
  const kinds = told.map(({ event }) => event);
  for (const kind of ['spawn', 'ready', 'reload', 'drain', 'scale'])
    t.true(kinds.includes(kind), `${kind} in ${kinds.join(' ')}`);
  t.false(kinds.includes('note'));
  t.is(told.find(({ event }) => event === 'drain')?.cause, 'reload');
});

test('stop says which requests were out of time', async (t) => {
  const fleet = await running(t, '-w', '1', '--stop-timeout', '300ms');
  const target = { port: await fleet.port() };
  const slow = new Connection(t, target);
  t.like(await slow.ask('/ok'), { status: 200 });
  const answer = slow.ask('/never');
  // Counted by the worker, and told with its next beat.
  await until('the request is counted', async () => ((await status(t, fleet)).workers[0]?.inFlight ?? 0) > 0);
  const { code, out } = await cordon(t, fleet, ['stop']);
  t.is(code, 0);
  t.regex(out, /^busy has stopped: 1 worker, \d\.\d s, 1 request out of time: GET \/never\n$/);
  t.like(await answer, { status: 503 });
});

test('upgrade puts another supervisor in place, which answers under the same name, and who follows the log follows that', async (t) => {
  const fleet = await running(t, '-w', '1');
  const follower = spawn(process.execPath, [main, 'logs', '-f', '-n', '1'], { env: within(fleet.runtime) });
  t.teardown(() => void follower.kill('SIGKILL'));
  const left = once(follower, 'close');
  let followed = '';
  for (const stream of [follower.stdout, follower.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (followed += text));
  await once(follower.stdout, 'data');
  const target = { port: await fleet.port() };
  const before = await status(t, fleet);
  const { code, out, err } = await cordon(t, fleet, ['upgrade']);
  t.is(code, 0, err);
  const pid = Number(/^busy runs in cordon \d+\.\d+\.\d+, Node [\d.]+, pid (\d+) \(/.exec(out)?.[1]);
  t.not(pid, before.pid);
  t.like(await status(t, fleet), { pid, serving: 1 });
  t.like(await get(t, target, '/ok'), { status: 200 });
  while (!followed.includes(`pid ${pid})`)) await once(follower.stdout, 'data');
  t.is((await cordon(t, fleet, ['stop'])).code, 0);
  await left;
  t.regex(followed, /cordon: busy has stopped\n$/);
  t.is(followed.split('has stopped').length, 2);
});
