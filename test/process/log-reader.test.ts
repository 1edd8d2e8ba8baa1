// Whoever reads the log may stop, and come back: the fleet goes on meanwhile, and what was missed is counted.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import { ask } from '../support/client.js';
import { cordon, within } from '../support/cordon.js';
import { fixture, type LogLine, main, root, runtimeFolder } from '../support/fleet.js';
import { until } from '../support/until.js';

interface Talker {
  readonly child: ChildProcessByStdio<null, Readable, null>;
  readonly runtime: string;
  readonly target: { readonly port: number };
  readonly lines: LogLine[];
  readonly says: (matching: RegExp) => Promise<boolean>;
}

/** A fleet whose log is read by hand. */
async function talker(t: ExecutionContext, ...args: string[]): Promise<Talker> {
  const runtime = runtimeFolder(t);
  const child = spawn(
    process.execPath,
    [main, 'start', fixture('process/busy.mjs'), '-w', '2', '--log-format', 'json', ...args],
    { cwd: root, env: within(runtime, { XDG_STATE_HOME: runtime }), stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const lines: LogLine[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts.map((part) => JSON.parse(part) as LogLine));
  });
  t.teardown(() => {
    child.kill('SIGKILL');
    for (const group of new Set(lines.flatMap(({ pid, worker }) => (worker !== undefined && pid ? [pid] : []))))
      try {
        process.kill(-group, 'SIGKILL');
      } catch {
        // Gone already.
      }
  });
  const says = (matching: RegExp): Promise<boolean> =>
    until(`the supervisor says ${matching}`, () => lines.some(({ msg }) => matching.test(msg)));
  await says(/is ready \(2 of 2\)/);
  await says(/^port/);
  const port = Number(lines.find(({ msg }) => msg.startsWith('port'))?.msg.slice(5));
  return { child, runtime, target: { port }, lines, says };
}

/** More than the supervisor keeps for a reader: what it cannot keep is dropped. */
const MUCH = '/print?lines=12000&pad=1000';

test('a reader that stalls holds up no request, no reload and no command; what it missed is counted, and told when it is back', async (t) => {
  const { child, runtime, target, lines, says } = await talker(t);
  child.stdout.pause();
  for (let round = 0; round < 2; round++) t.like(await ask(t, target, MUCH), { status: 200, body: 'printed\n' });
  t.like(await cordon(t, { runtime }, ['reload']), { code: 0 });
  t.like(await ask(t, target, '/ok'), { status: 200 });
  const { out } = await cordon(t, { runtime }, ['events']);
  t.regex(out, /lines of the log are dropped: the reader of the log takes none in/);
  t.notRegex(out, /stuck|killed/, 'no worker was taken for stuck');
  child.stdout.resume();
  await says(/^\d+ lines dropped: the reader of the log stalled for [\d.]+ s$/);
  const [, missing] =
    /^(\d+) lines dropped/.exec(lines.find(({ msg }) => / lines? dropped/.test(msg))?.msg ?? '') ?? [];
  const read = lines.filter(({ msg }) => /^(?:line|port) /.test(msg)).length;
  t.is(read + Number(missing), 24_000 + 4, 'each line, and the port of each of four workers, was read or counted');
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  t.deepEqual(await ended, [0, null]);
});

test('a reader that stalls and stays away does not keep the fleet from stopping', async (t) => {
  const { child, target } = await talker(t);
  child.stdout.pause();
  t.like(await ask(t, target, '/print?lines=4000&pad=1000'), { status: 200 });
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  t.deepEqual(await ended, [0, null]);
});

test("50,000 lines, 100,000 a second, as a program's own JSON: each arrives once, in order, with its worker", async (t) => {
  const runtime = runtimeFolder(t);
  const child = spawn(
    process.execPath,
    [main, 'start', 'bench/servers/printer.mjs', '-w', '1', '--log-format', 'json'],
    {
      cwd: root,
      env: within(runtime, { XDG_STATE_HOME: runtime, RATE: '100000', SECONDS: '0.5', KIND: 'json' }),
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  t.teardown(() => void child.kill('SIGKILL'));
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    printed += text;
    if (text.includes('all printed after')) child.kill('SIGTERM');
  });
  t.deepEqual(await once(child, 'close'), [0, null]);
  const lines = printed.split('\n').filter((line) => line.includes('"n":'));
  t.is(lines.length, 50_000);
  const wrong = lines.findIndex(
    (line, i) => !line.includes(`"n":${i + 1},`) || !line.endsWith('"worker":1,"slot":0,"generation":1}'),
  );
  t.is(wrong, -1, lines[wrong]);
});
