// `npm run bench:watch`: what `cordon start --watch` costs. How long a save takes to be served by new code, beyond the time that a
// worker needs to boot; and what the supervisor's memory grows by where a program of thousands of modules is watched. Linux only.
// Exit code 0: both are within their bars; 1: one is not; 64: misused.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const help = `node bench/watch.mjs [options]

  --saves N     how many saves are timed (20)
  --workers N   workers of that fleet (2)
  --files N     modules of the program whose memory is measured (5000)
  --rounds N    starts with and without --watch (3)
  --help        print this`;

/** Beyond the boot, in milliseconds; and of memory, in MB. */
const BARS = { beyondMs: 300, memory: 30 };
const SETTLE_MS = 3000;

const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const options = readOptions();
const saves = await timeSaves();
const memory = await weigh();
const passed = saves.worst <= BARS.beyondMs && memory.more < BARS.memory;
process.stdout.write(`${JSON.stringify({ saves, memory, bars: BARS, passed }, undefined, 2)}\n`);
process.exitCode = passed ? 0 : 1;

async function timeSaves() {
  const home = project({
    'server.mjs': `
      import { createServer } from 'node:http';
      import { word } from './lib/word.mjs';
      createServer((request, response) => response.end(word)).listen(0, '127.0.0.1', function () {
        console.log('port ' + this.address().port);
      });`,
    'lib/word.mjs': "export const word = 'save 0';",
  });
  const fleet = await start(home, ['--watch', '-w', String(options.workers)]);
  const took = [];
  for (let i = 1; i <= options.saves; i++) {
    const from = fleet.lines.length;
    const word = `save ${i}`;
    const saved = performance.now();
    writeFileSync(join(home, 'lib/word.mjs'), `export const word = '${word}';`);
    let first;
    let lastOld = saved;
    while (first === undefined || performance.now() - first < 300) {
      const asked = performance.now();
      const body = await get(fleet.port);
      if (body === word) first ??= performance.now();
      else lastOld = asked;
      await sleep(2);
    }
    await fleet.line(/ changed: reloaded/, from);
    const boots = bootsIn(fleet.lines.slice(from));
    const boot = Math.max(...boots);
    // From the save until nothing old is answered any more.
    took.push({
      boot,
      first: first - saved,
      all: Math.max(first, lastOld) - saved,
      beyond: Math.max(first, lastOld) - saved - boot,
    });
  }
  await fleet.stop();
  rmSync(home, { recursive: true, force: true });
  const of = (key) => Math.round(median(took.map((one) => one[key])));
  return {
    saves: took.length,
    workers: options.workers,
    bootMs: of('boot'),
    firstNewMs: of('first'),
    lastOldMs: of('all'),
    beyondBootMs: of('beyond'),
    worst: Math.round(Math.max(...took.map(({ beyond }) => beyond))),
  };
}

/** What each worker took from its start until it was ready, by the log. */
function bootsIn(lines) {
  const starts = new Map();
  return lines.flatMap(({ msg, worker, time }) => {
    if (/ starts in slot/.test(msg)) starts.set(worker, Date.parse(time));
    return / is ready /.test(msg) && starts.has(worker) ? [Date.parse(time) - starts.get(worker)] : [];
  });
}

async function weigh() {
  const names = Array.from({ length: options.files }, (_, i) => `part${i % 100}/module${i}.mjs`);
  const home = project({
    ...Object.fromEntries(names.map((name) => [name, 'export default 1;'])),
    'server.mjs': `${names.map((name) => `import './${name}';`).join('\n')}
      import { createServer } from 'node:http';
      createServer((request, response) => response.end('ok')).listen(0, '127.0.0.1', function () {
        console.log('port ' + this.address().port);
      });`,
  });
  const figures = { without: [], with: [] };
  for (let round = 0; round < options.rounds; round++) {
    for (const kind of Object.keys(figures)) {
      const flags = kind === 'with' ? ['--watch', '--watch-path', '.'] : [];
      const fleet = await start(home, ['-w', '1', ...flags]);
      await sleep(SETTLE_MS);
      figures[kind].push(rss(fleet.pid));
      await fleet.stop();
    }
  }
  rmSync(home, { recursive: true, force: true });
  const [without, withWatch] = [median(figures.without), median(figures.with)];
  return {
    files: names.length,
    without,
    with: withWatch,
    more: Math.round((withWatch - without) * 10) / 10,
    unit: 'MB',
  };
}

function project(files) {
  const home = realpathSync(mkdtempSync(join(tmpdir(), 'cordon-watch-')));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(home, name, '..'), { recursive: true });
    writeFileSync(join(home, name), text);
  }
  return home;
}

async function start(home, flags) {
  const child = spawn(
    process.execPath,
    [main, 'start', 'server.mjs', '--log-format', 'json', '--log-level', 'debug', ...flags],
    {
      cwd: home,
      env: { ...process.env, XDG_STATE_HOME: join(home, '.state'), XDG_RUNTIME_DIR: home },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  process.once('exit', () => child.kill('SIGKILL'));
  const lines = [];
  const waiting = new Set();
  createInterface({ input: child.stdout }).on('line', (text) => {
    lines.push(JSON.parse(text));
    for (const look of waiting) look();
  });
  const line = (pattern, from = 0) =>
    new Promise((resolve) => {
      const look = () => {
        const found = lines.slice(from).find(({ msg }) => pattern.test(msg));
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found);
      };
      waiting.add(look);
      look();
    });
  const { msg } = await line(/^port \d+/);
  await line(/is ready \((\d+) of \1\)/);
  return {
    pid: child.pid,
    port: Number(msg.slice('port '.length)),
    lines,
    line,
    async stop() {
      const ended = once(child, 'close');
      child.kill('SIGINT');
      await ended;
    },
  };
}

function get(port) {
  return new Promise((resolve, reject) => {
    http
      .get({ port, host: '127.0.0.1', agent: false }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text) => (body += text));
        response.once('end', () => resolve(body));
      })
      .once('error', reject);
  });
}

function rss(pid) {
  const [, kilobytes] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Math.round(kilobytes / 102.4) / 10;
}

function median(numbers) {
  const sorted = numbers.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)];
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        saves: { type: 'string', default: '20' },
        workers: { type: 'string', default: '2' },
        files: { type: 'string', default: '5000' },
        rounds: { type: 'string', default: '3' },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) {
      process.stdout.write(`${help}\n`);
      process.exit(0);
    }
    return Object.fromEntries(['saves', 'workers', 'files', 'rounds'].map((key) => [key, Number(values[key])]));
  } catch (error) {
    process.stderr.write(`${error.message}\n\n${help}\n`);
    process.exit(64);
  }
}
