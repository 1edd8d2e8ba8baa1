// Several apps in one file: each its own fleet, whatever becomes of the others.
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { StatusReply } from '../../supervisor/control/protocol.js';
import { ask } from '../support/client.js';
import { ask as asked, cordon } from '../support/cordon.js';
import { type Fleet, fixture, type LogLine, startFleet } from '../support/fleet.js';

interface Site {
  readonly folder: string;
  write(...apps: readonly object[]): void;
}

const app = (name: string, more: object = {}): object => ({
  name,
  script: fixture('process/app.mjs'),
  workers: 1,
  ...more,
});

function site(t: ExecutionContext): Site {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cordon-')));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return {
    folder,
    write: (...apps) => writeFileSync(join(folder, 'cordon.config.json'), JSON.stringify({ apps })),
  };
}

const said =
  (name: string, matching: RegExp) =>
  ({ app: whose, msg }: LogLine): boolean =>
    whose === name && matching.test(msg);

const at = (fleet: Fleet, name: string, matching: RegExp): number => fleet.lines.findIndex(said(name, matching));

async function portOf(fleet: Fleet, name: string, from = 0): Promise<{ port: number }> {
  const { msg } = await fleet.line(said(name, /^port \d+/), from);
  return { port: Number(msg.slice('port '.length)) };
}

async function told(t: ExecutionContext, target: { port: number }): Promise<{ value: string; pid: number }> {
  const outcome = await ask(t, target, '/');
  return JSON.parse(outcome.became === 'answered' ? outcome.body : '{}') as { value: string; pid: number };
}

test.serial(
  'three apps start in order; one that fails for ever, one that is removed, and one that is added are no concern of the others',
  async (t) => {
    const here = site(t);
    const [db, api, mails] = [
      app('db'),
      app('api', { after: ['db'] }),
      app('mails', { after: ['db'], env: { FAILS: '7' } }),
    ];
    here.write(mails, api, db);
    const fleet = startFleet(t, [], { cwd: here.folder });
    await fleet.line(said('api', /is ready \(1 of 1\)/));
    await fleet.line(said('mails', /exit code 7/));
    t.true(at(fleet, 'db', /is ready/) < at(fleet, 'api', /^worker 1 starts/), 'api starts when db is ready');
    t.true(at(fleet, 'api', /^api waits for db$/) >= 0);
    const ports = { db: await portOf(fleet, 'db'), api: await portOf(fleet, 'api'), jobs: { port: 0 } };
    const before = { db: await told(t, ports.db), api: await told(t, ports.api) };

    const status = await asked<{ fleets: readonly StatusReply[] }>(t, fleet, ['status']);
    t.deepEqual(
      status.fleets.map(({ name }) => name),
      ['api', 'db', 'mails'],
    );
    t.is(new Set(status.fleets.map(({ pid }) => pid)).size, 1, 'one supervisor');
    const scale = await cordon(t, fleet, ['scale', 'api', '2']);
    t.is(scale.code, 0, scale.err);

    const difference = (await (here.write(api, db, app('jobs')), cordon(t, fleet, ['diff']))).out;
    t.regex(difference, /mails: removed, would be drained and stopped/);
    t.regex(difference, /jobs: added, would be started/);
    const reload = await cordon(t, fleet, ['reload']);
    t.deepEqual([reload.code, reload.err.replace(/.*\n/g, '')], [0, ''], reload.err);
    t.regex(reload.out, /mails is removed/);
    t.regex(reload.out, /jobs has started/);
    await fleet.line(said('mails', /^stopped: /));
    t.like(await told(t, ports.db), before.db, 'the same process');
    t.like(await told(t, ports.api), { name: 'api' });
    t.deepEqual(
      fleet.lines.filter(({ app: whose, msg }) => whose !== 'mails' && /^worker \d+ drains/.test(msg)),
      [],
      'nobody else drains',
    );

    const stopped = await cordon(t, fleet, ['stop', 'jobs']);
    t.is(stopped.code, 0, stopped.err);
    t.like(await told(t, ports.db), before.db);

    // Another environment is something new to all, and who was stopped starts with it.
    let from = fleet.lines.length;
    const update = await cordon(t, fleet, ['reload', '--env-update'], { VALUE: 'other' });
    t.is(update.code, 0, update.err);
    ports.jobs = await portOf(fleet, 'jobs', from);
    for (const [name, port] of Object.entries(ports)) t.like(await told(t, port), { name, value: 'other' });

    from = fleet.lines.length;
    t.is(await fleet.stop(), 0);
    const last = (name: string): number =>
      fleet.lines.findLastIndex(({ app: whose }, i) => i >= from && whose === name);
    t.true(last('api') < last('db'), 'who comes after others stops first');
  },
);

test.serial('a file whose apps are all others replaces them all; a stop ends one that still waits', async (t) => {
  const here = site(t);
  here.write(app('one'), app('other'));
  const fleet = startFleet(t, [], { cwd: here.folder });
  await Promise.all(['one', 'other'].map((name) => fleet.line(said(name, /is ready/))));
  here.write(app('silent', { ready: { on: 'message' } }), app('patient', { after: ['silent'] }));
  fleet.child.kill('SIGHUP');
  await fleet.line(said('patient', /^patient waits for silent$/));
  const gone = ['one', 'other'].map((name) => at(fleet, name, /^stopped: /));
  t.true(
    Math.min(...gone) >= 0 && Math.max(...gone) < at(fleet, 'silent', /^worker 1 starts/),
    'addresses are free by then',
  );
  const { fleets } = await asked<{ fleets: readonly StatusReply[] }>(t, fleet, ['status']);
  t.like(
    fleets.find(({ name }) => name === 'patient'),
    { state: 'starting', waitsFor: ['silent'], workers: [] },
  );
  t.is(await fleet.stop(), 0);
});
