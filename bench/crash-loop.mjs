// Programs that cannot live: what cordon makes the machine pay for trying them again and again, and how soon it is back when they
// are mended. The backoff is the default. All run at once: they hardly run.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { table } from './support/figures.mjs';
import { spentMs } from './support/process.mjs';
import { cordonMain } from './support/systems.mjs';

export const title = 'Crash loops: share of a core after the first 10 s, and recovery';

const FIRST_MS = 10_000;
/** Longer than any wait. */
const PATIENCE_MS = 90_000;

const serve = `import { createServer } from 'node:http';
createServer((_, response) => response.end('ok')).listen(0, '127.0.0.1');
`;
const programs = {
  'throws at boot': `${serve}throw new Error('no database');`,
  'dies 2 s after it was ready': `${serve}setTimeout(() => process.exit(7), 2000);`,
  'throws 2 s after it was ready': `${serve}setTimeout(() => { throw new Error('bug'); }, 2000);`,
  'mended from the start': serve,
};

export async function bench({ node, crashSeconds, crashWorkers }) {
  const rows = await Promise.all(
    Object.entries(programs).map(([name, text]) =>
      measure({ node, name, text, forMs: crashSeconds * 1000, workers: crashWorkers }),
    ),
  );
  console.log(
    table([
      ['', 'share of a core, %', 'in the first 10 s', 'starts', 'log lines', 'wait when mended, s', 'back after, s'],
      ...rows,
    ]),
  );
}

async function measure({ node, name, text, forMs, workers }) {
  const home = mkdtempSync(join(tmpdir(), 'cordon-crash-'));
  const script = join(home, 'server.mjs');
  writeFileSync(script, text);
  const fleet = spawn(node, [cordonMain, 'start', script, '-w', String(workers), '--log-format', 'json'], {
    cwd: home,
    env: { ...process.env, XDG_STATE_HOME: home, XDG_RUNTIME_DIR: home },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = [];
  createInterface({ input: fleet.stdout }).on('line', (line) => lines.push(JSON.parse(line)));
  try {
    await sleep(FIRST_MS);
    const first = spentMs(fleet.pid);
    await sleep(forMs);
    const later = spentMs(fleet.pid);
    const told = lines.length;
    const starts = startsIn(lines).length;
    const row = [name, ((later - first) * 100) / forMs, (first * 100) / FIRST_MS].map((each) =>
      typeof each === 'number' ? each.toFixed(2) : each,
    );
    if (text === serve) return [...row, starts, told, '-', '-'];
    const wait = Math.max(0, ...lines.flatMap(waitOf)) / 1000;
    writeFileSync(script, serve);
    const mended = performance.now();
    const isBack = () => slotsBack(lines.slice(told), text.startsWith(`${serve}throw`)) === workers;
    while (!isBack() && performance.now() - mended < PATIENCE_MS) await sleep(5);
    const backMs = isBack() ? performance.now() - mended : Number.NaN;
    return [...row, starts, told, wait.toFixed(1), (backMs / 1000).toFixed(1)];
  } finally {
    if (fleet.exitCode === null && fleet.kill('SIGTERM')) await once(fleet, 'exit');
    rmSync(home, { recursive: true, force: true });
  }
}

const startsIn = (lines) => lines.filter(({ msg }) => / starts in slot /.test(msg));

/** What the log says of the wait for the next start, less what has passed of it. */
function waitOf({ msg, time }) {
  const [, wait, unit] = /; the next one starts in ([\d.]+) (ms|s)(?: at the earliest)?$/.exec(msg) ?? [];
  return wait === undefined ? [] : [Date.parse(time) + Number(wait) * { ms: 1, s: 1000 }[unit] - Date.now()];
}

/** In how many slots a worker is ready that has the mended code: of what died at boot whoever gets ready, else whoever has started since. */
function slotsBack(lines, diesAtBoot) {
  const fresh = new Set(startsIn(lines).map(({ worker }) => worker));
  const ready = lines.filter(({ msg, worker }) => / is ready \(/.test(msg) && (diesAtBoot || fresh.has(worker)));
  return new Set(ready.map(({ slot }) => slot)).size;
}
