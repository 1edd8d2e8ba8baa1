// Lines of a worker that talks much, through the supervisor into a pipe: whether each arrives, in order, and what that costs the
// supervisor. The client is this process, which looks at every line.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { table } from './support/figures.mjs';
import { cpuMs, memoryMb } from './support/process.mjs';

export const title = 'Log: lines a second of one worker, through a pipe';

const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const script = fileURLToPath(new URL('servers/printer.mjs', import.meta.url));
const LOOK_MS = 250;

/** Whether the numbers after `mark` go up one by one. */
function follow(stream, mark, ended) {
  const seen = { lines: 0, missing: 0, bytes: 0 };
  let rest = '';
  stream.setEncoding('latin1').on('data', (text) => {
    seen.bytes += text.length;
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      const at = line.indexOf(mark);
      if (at >= 0) {
        const n = Number.parseInt(line.slice(at + mark.length, at + mark.length + 12), 10);
        seen.missing += n - seen.lines - seen.missing - 1;
        seen.lines++;
      } else if (line.includes('all printed after')) ended(Number(/after (\d+) ms/.exec(line)[1]));
    }
  });
  return seen;
}

export async function flood({ node, rate, seconds, kind }) {
  const runtime = mkdtempSync(join(tmpdir(), 'cordon-bench-'));
  const child = spawn(node, [main, 'start', script, '-w', '1', '--log-format', 'json'], {
    env: {
      ...process.env,
      RATE: rate,
      SECONDS: seconds,
      KIND: kind,
      XDG_RUNTIME_DIR: runtime,
      XDG_STATE_HOME: runtime,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise((done) => child.once('exit', done));
  let peak = 0;
  const looking = setInterval(() => (peak = Math.max(peak, memoryMb(child.pid).rss)), LOOK_MS);
  try {
    let seen;
    const begun = performance.now();
    const tookMs = await new Promise((resolve, reject) => {
      seen = follow(child.stdout, kind === 'json' ? '"n":' : 'n=', resolve);
      void exited.then(() => reject(new Error('the supervisor has ended')));
    });
    const all = rate * seconds;
    return {
      printed: all,
      perSecond: Math.round((all / tookMs) * 1000),
      lost: all - seen.lines,
      lateMs: Math.round(performance.now() - begun - tookMs),
      cpu: (cpuMs([child.pid]) / tookMs) * 100,
      mb: peak,
      bytes: seen.bytes,
    };
  } finally {
    clearInterval(looking);
    child.kill('SIGTERM');
    await exited;
    rmSync(runtime, { recursive: true, force: true });
  }
}

export async function bench({ node, lineRate, lineSeconds }) {
  const rows = [['', 'printed', 'lines/s', 'lost', 'MB/s out', 'supervisor, % of a core', 'its peak RSS, MB']];
  for (const kind of ['text', 'json']) {
    const { printed, perSecond, lost, cpu, mb, bytes } = await flood({
      node,
      rate: lineRate,
      seconds: lineSeconds,
      kind,
    });
    const out = bytes / 1e6 / (printed / perSecond);
    rows.push([kind, printed, perSecond, lost, out.toFixed(1), cpu.toFixed(0), mb.toFixed(0)].map(String));
  }
  console.log(table(rows));
}
