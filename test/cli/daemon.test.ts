import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { StatusReply } from '../../supervisor/control/protocol.js';
import { ask, cordon, type Said, stopAll } from '../support/cordon.js';
import { fixture, runtimeFolder } from '../support/fleet.js';
import { gone, isAlive } from '../support/processes.js';

/** Its supervisor, if there is one left, is ended with the test. */
async function daemon(t: ExecutionContext, runtime: string, words: readonly string[]): Promise<Said> {
  t.teardown(() => stopAll(runtime));
  return cordon(t, { runtime }, ['start', '--daemon', ...words], {
    XDG_STATE_HOME: join(runtime, 'state'),
    STATE_DIRECTORY: '',
    LOGS_DIRECTORY: '',
  });
}

test('--daemon returns when every worker serves, says where the log is, and the fleet outlives it', async (t) => {
  const runtime = runtimeFolder(t);
  const { code, out, err } = await daemon(t, runtime, [fixture('process/busy.mjs'), '-w', '2', '--', '--daemon']);
  t.is(code, 0, err);
  const [, pid, log = ''] =
    /^busy runs in the background \(pid (\d+), log ([^)]*)\)\. `cordon status` shows it/.exec(out) ?? [];
  t.true(isAlive(Number(pid)));
  t.like(await ask<StatusReply>(t, { runtime }, ['status']), { pid: Number(pid), serving: 2, size: 2 });
  t.regex(err, /^(?:busy: \d\/2 workers ready \(\d booting, \d+s\)\n)*$/);
  t.regex(readFileSync(log, 'utf8'), /worker 2 is ready/);
  const again = await daemon(t, runtime, [fixture('process/busy.mjs')]);
  t.is(again.code, 75);
  t.regex(again.err, /cordon: already running: a supervisor answers at .*busy\.sock/);
  t.is((await cordon(t, { runtime }, ['stop'])).code, 0);
  await gone([Number(pid)]);
});

test('--daemon says why its fleet does not get ready, in the words of the program, and leaves nothing behind', async (t) => {
  const runtime = runtimeFolder(t);
  writeFileSync(join(runtime, 'broken.js'), "throw new Error('no database here');");
  const { code, out, err } = await daemon(t, runtime, [join(runtime, 'broken.js'), '-w', '1']);
  t.is(code, 1);
  t.is(out, '');
  t.regex(
    err,
    /cordon: broken did not get ready and was stopped: its workers fail again and again:\n[^]*no database here/,
  );
  t.is((await cordon(t, { runtime }, ['status'])).code, 3);
});

test('--daemon of a program that does not parse ends at once, with its place', async (t) => {
  const runtime = runtimeFolder(t);
  writeFileSync(join(runtime, 'broken.mjs'), 'const a = ;');
  const { code, err } = await daemon(t, runtime, [join(runtime, 'broken.mjs'), '-w', '1']);
  t.is(code, 1);
  t.regex(err, /^cordon: cannot start: .*broken\.mjs:1 does not parse: SyntaxError/m);
  t.is((await cordon(t, { runtime }, ['status'])).code, 3);
});

test('--daemon with a wrong flag starts nothing', async (t) => {
  const runtime = runtimeFolder(t);
  const { code, err } = await daemon(t, runtime, [fixture('process/busy.mjs'), '-w', '0']);
  t.is(code, 64);
  t.regex(err, /^cordon: --workers: expected /);
  t.false(existsSync(join(runtime, 'state')));
});
