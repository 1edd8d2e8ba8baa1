// A command that comes before each generation.
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ask } from '../support/client.js';
import { cordon } from '../support/cordon.js';
import { type Fleet, fixture, startFleet } from '../support/fleet.js';
import { gone } from '../support/processes.js';

function project(t: ExecutionContext): { folder: string; configure: (extra: string, timeout?: string) => void } {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cordon-')));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const configure = (extra: string, timeout = '1m'): void => {
    const command = [process.execPath, fixture('process/before.mjs'), 'two words'];
    const config = {
      name: 'shop',
      script: fixture('process/releases.mjs'),
      workers: 1,
      env: { EXTRA: extra },
      before: { command, timeout },
    };
    writeFileSync(join(folder, 'cordon.config.json'), JSON.stringify(config));
  };
  configure('first');
  return { folder, configure };
}

const place = (fleet: Fleet, text: RegExp): number => fleet.lines.findIndex(({ msg }) => text.test(msg));

test('it runs once before each generation, with its variables and in its folder, and one that fails stops the reload', async (t) => {
  const { folder, configure } = project(t);
  const fleet = startFleet(t, [], { cwd: folder });
  const target = { port: await fleet.port() };
  await fleet.ready();
  const ran = (): string[] => readFileSync(join(folder, 'ran'), 'utf8').trim().split('\n');
  t.deepEqual(ran(), ['shop 1 first two words']);
  t.true(place(fleet, /^migrates for generation 1$/) < place(fleet, /^before generation 1: .* is done/));
  t.true(place(fleet, /^before generation 1: .* is done/) < place(fleet, /^worker 1 starts/));

  configure('second');
  writeFileSync(join(folder, 'before'), 'fails');
  for (const order of ['reload', 'restart']) {
    const refused = await cordon(t, fleet, [order, 'shop']);
    t.is(refused.code, 1);
    t.regex(
      refused.err,
      /before\.mjs two words failed \(exit code 3\), and has to succeed before a generation begins\n/,
    );
    t.regex(refused.err, /^ {2}no such table: users$/m);
  }
  t.is(place(fleet, /^worker 2 starts/), -1, 'nobody was started');
  const { body = '' } = (await ask(t, target, '/')) as { body?: string };
  t.like(JSON.parse(body), { extra: 'first' });

  rmSync(join(folder, 'before'));
  t.is((await cordon(t, fleet, ['reload', 'shop'])).code, 0);
  t.deepEqual(ran().slice(1), ['shop 2 second two words', 'shop 2 second two words', 'shop 2 second two words']);

  configure('third', '4s');
  writeFileSync(join(folder, 'before'), 'hangs');
  const late = cordon(t, fleet, ['reload', 'shop']);
  const [, ...pids] = /^hangs (\d+) (\d+)$/.exec((await fleet.line(/^hangs/)).msg) ?? [];
  const { code, err } = await late;
  t.is(code, 1);
  t.regex(err, /failed \(it took longer than 4 s\)/);
  await gone(pids.map(Number));
  t.is(await fleet.stop(), 0);
});

test('a stop while it runs ends it with all that it has started, and a first start that it fails ends with a sentence', async (t) => {
  const { folder } = project(t);
  writeFileSync(join(folder, 'before'), 'hangs');
  const fleet = startFleet(t, [], { cwd: folder });
  const [, ...pids] = /^hangs (\d+) (\d+)$/.exec((await fleet.line(/^hangs/)).msg) ?? [];
  const status = await cordon(t, fleet, ['status', 'shop']);
  t.regex(status.out, /^shop starting · 0\/1 serve/, 'questions are answered meanwhile');
  fleet.child.kill('SIGTTIN');
  t.is(await fleet.stop(), 0);
  await gone(pids.map(Number));
  t.is(place(fleet, /^worker 1 starts/), -1);

  writeFileSync(join(folder, 'before'), 'fails');
  const failed = startFleet(t, [], { cwd: folder });
  t.is(await failed.ended, 1);
  t.regex(
    failed.stderr(),
    /^cordon: no worker was started: .*before\.mjs two words failed \(exit code 3\), and has to/m,
  );
  t.is(place(failed, /^worker 1 starts/), -1);
  t.true(existsSync(join(folder, 'ran')));
});
