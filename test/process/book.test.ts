// The book of errors of a real fleet: what was met is there after the supervisor was killed, and no secret is in it.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Book } from '../../supervisor/incidents/book.js';
import type { Incident } from '../../supervisor/incidents/incident.js';
import { load } from '../../supervisor/incidents/store.js';
import { ask } from '../support/client.js';
import { type Fleet, fixture, type LogLine, startFleet } from '../support/fleet.js';
import { gone, workersOf } from '../support/processes.js';
import { until } from '../support/until.js';

const erring = fixture('process/erring.mjs');

function folder(t: ExecutionContext): string {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'cordon-kept-')));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

const start = (t: ExecutionContext, dir: string, env: NodeJS.ProcessEnv = {}): Fleet =>
  startFleet(t, [erring, '-w', '2'], { env: { CORDON_ERRORS_DIR: dir, ...env } });

async function incidents(dir: string): Promise<Incident[]> {
  const book = new Book('/');
  await load(dir, book);
  return [...book.incidents];
}

const isError = ({ msg }: LogLine): boolean => msg.startsWith('OutOfStock: ');

test('an error is on disk while the supervisor runs, so that its end by SIGKILL loses nothing, and counts on after a restart', async (t) => {
  const dir = folder(t);
  const fleet = start(t, dir);
  const target = { port: await fleet.port() };
  await fleet.ready();
  t.like(
    await ask(t, target, { path: '/fail?token=s3cret&a=1', headers: { 'x-request-id': 'r1', cookie: 'sid=s3cret' } }),
    {
      status: 500,
    },
  );
  await fleet.line(isError);
  const met = performance.now();
  await until('the incident is on disk', async () => (await incidents(dir)).length > 0);
  t.log(`on disk ${Math.round(performance.now() - met)} ms after it was logged`);
  const workers = workersOf(fleet);
  fleet.child.kill('SIGKILL');
  await fleet.ended;
  await gone(workers);

  const [incident, ...others] = await incidents(dir);
  t.deepEqual(others, []);
  t.like(incident, { name: 'OutOfStock', code: 'E_STOCK', count: 1 });
  t.like(incident?.first.request, { method: 'GET', path: '/fail?token=[redacted]&a=1', id: 'r1', status: 500 });
  t.is(incident?.first.request?.headers['cookie'], '[redacted]');
  t.like(incident?.causes[0], { message: 'the warehouse is empty', of: -1, as: 'cause' });
  t.regex(incident?.stack ?? '', /erring\.mjs:\d+/);

  const again = start(t, dir);
  const there = { port: await again.port() };
  await again.ready();
  t.like(await ask(t, there, '/fail'), { status: 500 });
  const { msg, incident: id } = await again.line(isError);
  t.regex(msg, /– 2 times now$/);
  t.is(id, incident?.id);
  t.is(await again.stop(), 0);
  const [known] = await incidents(dir);
  t.is(known?.count, 2);
  t.is(known?.releases.length, 2);
});

test('SIGKILL of the supervisor amid errors loses at most what was met in the last second', async (t) => {
  const dir = folder(t);
  const fleet = startFleet(t, [fixture('process/measuring.mjs'), '-w', '1'], { env: { CORDON_ERRORS_DIR: dir } });
  const target = { port: await fleet.port() };
  await fleet.ready();
  const met: number[] = [];
  // However slow the machine is, the first was met more than a second before the end.
  do {
    t.like(await ask(t, target, '/handled'), { status: 200 });
    met.push(performance.now());
  } while (performance.now() < (met[0] ?? 0) + 1500);
  const killedAt = performance.now();
  fleet.child.kill('SIGKILL');
  await fleet.ended;
  await gone(workersOf(fleet));
  const count = (await incidents(dir)).reduce((sum, one) => sum + one.count, 0);
  const owed = met.filter((at) => at < killedAt - 1000).length;
  t.log(`${met.length} errors, ${count} kept, ${owed} of them older than a second`);
  t.true(owed > 0);
  t.true(count >= owed && count <= met.length, `${count} of ${met.length}`);
});

test('no secret is on disk or in the log', async (t) => {
  const dir = folder(t);
  const fleet = start(t, dir, { CORDON_ERRORS_REDACT: 'X-Own' });
  const target = { port: await fleet.port() };
  await fleet.ready();
  const headers = { authorization: 'Bearer s3cret', cookie: 's3cret', 'x-own': 's3cret', accept: 'text/plain' };
  t.like(await ask(t, target, { path: '/fail?x-own=s3cret', headers }), { status: 500 });
  await fleet.line(isError);
  t.is(await fleet.stop(), 0);
  const names = readdirSync(dir);
  const kept = names.map((name) => readFileSync(join(dir, name), 'utf8')).join('');
  t.regex(kept, /"accept":"text\/plain"/);
  t.notRegex(kept, /s3cret/);
  t.notRegex(JSON.stringify(fleet.lines), /s3cret/);
  t.is(names.includes('lock'), false, 'the folder is free again');
  for (const name of names) t.is(statSync(join(dir, name)).mode & 0o777, 0o600, name);
});

test('two supervisors do not write one book: the second keeps its own in memory, and takes over when the first is gone', async (t) => {
  const dir = folder(t);
  const first = start(t, dir);
  await first.ready();
  const second = start(t, dir);
  const { msg } = await second.line(/^the book of errors cannot be written: process \d+ keeps its/);
  t.true(msg.includes(`process ${first.child.pid}`));
  await second.ready();
  t.like(await ask(t, { port: await second.port() }, '/fail'), { status: 500 });
  await second.line(isError);
  t.is(await first.stop(), 0);
  await second.line(/^the book of errors is written again/);
  t.is(await second.stop(), 0);
  t.is((await incidents(dir))[0]?.count, 1);
});

test('a full disk is said, survived and recovered from', async (t) => {
  const dir = folder(t);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k,mode=700', 'tmpfs', dir], { stdio: 'ignore' });
  } catch {
    return t.pass('only root may mount; store.test.ts has disks that anybody can fill');
  }
  t.teardown(() => execFileSync('umount', ['-l', dir]));
  const ballast = join(dir, 'ballast');
  t.throws(() => writeFileSync(ballast, Buffer.alloc(1024 * 1024)), { code: 'ENOSPC' });
  const fleet = start(t, dir);
  const target = { port: await fleet.port() };
  await fleet.ready();
  for (const path of ['/fail', '/ok', '/fail']) await ask(t, target, path);
  t.is((await fleet.line(/^the book of errors cannot be written: ENOSPC/))['event'], 'book');
  t.like(await ask(t, target, '/ok'), { status: 200 });
  rmSync(ballast);
  await fleet.line(/^the book of errors is written again/);
  t.is(await fleet.stop(), 0);
  t.is((await incidents(dir))[0]?.count, 2);
});

test('a storm of errors is counted to the last one, and written in a few lines', async (t) => {
  const dir = folder(t);
  const errors = 10_000;
  const fleet = startFleet(t, [erring, '-w', '1'], { env: { CORDON_ERRORS_DIR: dir } });
  const target = { port: await fleet.port() };
  await fleet.ready();
  const held = ask(t, target, '/hold');
  await ask(t, target, `/storm?errors=${errors}`);
  t.like(await held, { status: 200, body: 'over\n' });
  await fleet.line(/^worker 1 is gone/);
  t.is(await fleet.stop(), 0);
  t.is(
    (await incidents(dir)).reduce((sum, { count }) => sum + count, 0),
    errors,
  );
  const bytes = readdirSync(dir).reduce((sum, name) => sum + statSync(join(dir, name)).size, 0);
  t.true(bytes < 1024 * 1024, `${bytes}`);
});

test('a command is told of a new incident', async (t) => {
  const dir = folder(t);
  const file = join(dir, 'cordon.config.json');
  const told = join(dir, 'told');
  const script = 'process.stdin.pipe(require("fs").createWriteStream(process.argv[1]))';
  const onIncident = [process.execPath, '-e', script, told];
  writeFileSync(
    file,
    JSON.stringify({ script: erring, name: 'shop', hooks: { onIncident }, errors: { dir: './book' } }),
  );
  const fleet = startFleet(t, [file, '-w', '1']);
  const target = { port: await fleet.port() };
  await fleet.ready();
  t.like(await ask(t, target, { path: '/fail', headers: { 'x-request-id': 'r1' } }), { status: 500 });
  const text = await until('the command is told', () => {
    const written = readdirSync(dir).includes('told') ? readFileSync(told, 'utf8') : '';
    return written.endsWith('\n') && written;
  });
  t.like(JSON.parse(text), { event: 'new', app: 'shop', name: 'OutOfStock', count: 1, request: { id: 'r1' } });
  t.is(await fleet.stop(), 0);
});
