// The log in a file: whole over rotations, and read back by those who ask for the past. And a log that is nobody's but the workers'.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { StatusReply } from '../../supervisor/control/protocol.js';
import { ask } from '../support/client.js';
import { ask as command, cordon, within } from '../support/cordon.js';
import { fixture, type LogLine, main, runtimeFolder } from '../support/fleet.js';
import { until } from '../support/until.js';

interface Started {
  readonly child: ChildProcess;
  readonly runtime: string;
  readonly folder: string;
  readonly target: { readonly port: number };
  readonly printed: () => string;
  readonly stop: () => Promise<unknown>;
}

async function start(t: ExecutionContext, logs: object): Promise<Started> {
  const runtime = runtimeFolder(t);
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cordon-logs-')));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'cordon.config.json');
  writeFileSync(file, JSON.stringify({ name: 'shop', script: fixture('process/busy.mjs'), workers: 1, logs }));
  const child = spawn(process.execPath, [main, 'start', file], {
    env: within(runtime, { XDG_STATE_HOME: folder }),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
  const ended = once(child, 'close');
  t.teardown(() => void child.kill('SIGKILL'));
  const stop = (): Promise<unknown> => {
    child.kill('SIGTERM');
    return ended;
  };
  const log = 'file' in logs ? join(folder, String(logs.file)) : undefined;
  const { pid, port } = await until('worker 1 is ready, and has said its port', () => {
    const said = log === undefined ? printed : existsSync(log) ? readFileSync(log, 'utf8') : '';
    const worker = Number(
      /worker 1 is ready.*?"pid":(\d+)|"pid":(\d+).*?worker 1 is ready/.exec(said)?.slice(1).find(Boolean),
    );
    const listening = Number(/\bport (\d+)/.exec(said)?.[1]);
    return worker > 0 && listening > 0 && { pid: worker, port: listening };
  });
  t.teardown(() => void (isThere(pid) && process.kill(pid, 'SIGKILL')));
  return { child, runtime, folder, target: { port }, printed: () => printed, stop };
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

const linesIn = (path: string): LogLine[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as LogLine);

test('a log file has all that stdout would have; logrotate and --reopen cost no line; logs reads what is older from it', async (t) => {
  const { runtime, folder, target, printed, stop } = await start(t, { file: 'var/log/shop.log' });
  const path = join(folder, 'var/log/shop.log');
  t.is(statSync(path).mode & 0o777 & ~0o640, 0);
  for (const round of [1, 2]) {
    const talk = ask(t, target, '/print?lines=5000');
    if (round > 1) renameSync(`${path}.1`, `${path}.2`);
    renameSync(path, `${path}.1`);
    const { code, out } = await cordon(t, { runtime }, ['logs', '--reopen']);
    t.is(out, `shop goes on in ${path}\n`);
    t.is(code, 0);
    t.like(await talk, { status: 200 });
  }
  // More than the supervisor remembers: 10,000 lines.
  t.like(await ask(t, target, '/print?lines=3000'), { status: 200 });
  const json = await told(t, runtime, ['logs', '--json', '-n', '12500', '--worker', '1']);
  t.is(json.length, 12_500);
  t.deepEqual(
    json.slice(-1).map(({ msg }) => msg),
    ['line 3000'],
  );
  t.deepEqual((await told(t, runtime, ['logs', '--json', '-n', '2', '--level', 'error'])).length, 0);
  await stop();
  t.is(printed(), '', 'stdout has nothing');
  const all = [`${path}.2`, `${path}.1`, path].filter((one) => existsSync(one)).flatMap(linesIn);
  t.deepEqual(
    all.filter(({ msg }) => msg.startsWith('line ')).map(({ msg }) => Number(msg.slice(5))),
    [5000, 5000, 3000].flatMap((last) => Array.from({ length: last }, (_, i) => i + 1)),
  );
  const before = all.slice(0, all.findIndex(({ msg }, i) => msg === 'line 3000' && i > 12_000) + 1);
  t.deepEqual(json, before.filter(({ worker }) => worker === 1).slice(-12_500), 'each line once, in order');
});

async function told(t: ExecutionContext, runtime: string, words: readonly string[]): Promise<LogLine[]> {
  const { out, err } = await cordon(t, { runtime }, words);
  t.is(err, '');
  return out
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as LogLine);
}

test('where workers inherit stdout, what they print is there as it is, beside what cordon says', async (t) => {
  const { runtime, target, printed, stop } = await start(t, { mode: 'inherit', format: 'json' });
  t.like(await ask(t, target, '/print?lines=2'), { status: 200 });
  const status = await command<StatusReply>(t, { runtime }, ['status']);
  t.is(status.workers.length, 1);
  await stop();
  const lines = printed().split('\n').slice(0, -1);
  t.true(lines.includes('line 1') && lines.includes('line 2'), printed());
  t.true(lines.some((line) => line.startsWith('{') && /worker 1 is ready/.test(line)));
});
