// `npm run soak [-- --short|--full]`: a fleet for minutes, with requests, errors that nobody caught, and workers that are killed;
// what the supervisor's memory and its open descriptors do meanwhile. Linux only. Exit code 0: the curve is flat; 1: it is not, or
// not all that was to happen has; 64: misused.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { spentMs } from './support/process.mjs';

const FULL = { requests: 1_000_000, restarts: 10_000, incidents: 100_000 };
/** One request in so many fails, with so many errors, each of a kind of its own. */
const FAIL_EVERY = 60;
const ERRORS = 8;
/** Requests a second, at most: boots want their share of two cores. */
const RATE = 1300;

const help = `node bench/soak.mjs [options]

  --seconds N   how long (300; --full: 1500 at most)
  --users N     who ask one thing after the other (8)
  --workers N   (4)
  --short       40 s, which is too short to judge memory by: only descriptors and requests are
  --full        until ${FULL.requests} requests were answered, ${FULL.restarts} workers started in the place of others, and ${FULL.incidents}
                incidents went into the book: some 15 minutes on two quiet cores
  --help        print this`;

/** The last quarter's median memory may be so much more than the second quarter's. */
const GROWTH = 1.05;
const SAMPLE_MS = 1000;
const KILL_EVERY_MS = 1000;
const BAR = 50;

const options = readOptions();
const home = mkdtempSync(join(tmpdir(), 'cordon-soak-'));
const server = join(home, 'server.mjs');
writeFileSync(
  server,
  `import { createServer } from 'node:http';
let n = 0;
createServer((request, response) => {
  if (request.url !== '/fail') return response.end('ok');
  for (let i = 0; i < ${ERRORS}; i++) {
    // None is like another: the book of errors is full all the time.
    const error = Object.assign(new Error('soak'), { fingerprint: process.env.CORDON_WORKER + ' ' + n++ });
    setImmediate(() => { throw error; });
  }
}).listen(0, '127.0.0.1', function () { console.log('port ' + this.address().port); });
`,
);
const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const fleet = spawn(
  process.execPath,
  [main, 'start', server, '-w', String(options.workers), '--name', 'soak', '--log-format', 'json'],
  {
    cwd: home,
    env: {
      ...process.env,
      XDG_STATE_HOME: home,
      XDG_RUNTIME_DIR: home,
      CORDON_RESTART_BACKOFF_MIN: '10ms',
      CORDON_RESTART_BACKOFF_MAX: '20ms',
      CORDON_RESTART_INTENSITY_RESTARTS: '1000000',
      CORDON_RESTART_INTENSITY_WITHIN: '1s',
      CORDON_BOOT_CONCURRENCY: String(options.workers),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  },
);
const ended = new Promise((resolve) => fleet.once('close', resolve));
const told = { ok: 0, failed: 0, lost: 0, started: 0, gone: 0 };
const ready = new Map();
const load = { over: false, port: undefined };

createInterface({ input: fleet.stdout }).on('line', (line) => {
  const { msg, worker, pid } = JSON.parse(line);
  load.port ??= /^port (\d+)/.exec(msg)?.[1];
  if (/ is ready/.test(msg)) ready.set(worker, pid);
  if (/ drains | died| is gone| is killed/.test(msg)) ready.delete(worker);
  if (/ starts in slot /.test(msg)) told.started++;
  if (/ died| is gone/.test(msg)) told.gone++;
});

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
while (load.port === undefined && fleet.exitCode === null) await sleep(50);

const agent = new http.Agent({ keepAlive: true, maxSockets: options.users });
const ask = (path) =>
  new Promise((resolve) => {
    http
      .get({ host: '127.0.0.1', port: load.port, path, agent }, (response) => {
        told[response.statusCode === 200 ? 'ok' : 'failed']++;
        response.resume().once('close', resolve);
      })
      .once('error', () => {
        told.lost++;
        resolve();
      });
  });
let turns = 0;
const begun = performance.now();
async function user(index) {
  for (let n = index; !load.over; n++) {
    const early = begun + (turns++ * 1000) / RATE - performance.now();
    if (early > 1) await sleep(early);
    await ask(n % FAIL_EVERY === 0 ? '/fail' : '/ok');
  }
}
/** One at a time, and never the last that serves. */
const killing = setInterval(() => {
  const [first] = [...ready];
  if (ready.size < 2 || first === undefined) return;
  ready.delete(first[0]);
  try {
    process.kill(first[1], 'SIGKILL');
  } catch {
    // It has left by itself.
  }
}, KILL_EVERY_MS);

const users = Array.from({ length: options.users }, (_, index) => user(index));
const samples = [];
for (let second = 0; second < options.seconds && fleet.exitCode === null && !isAllDone(); second++) {
  await sleep(SAMPLE_MS);
  samples.push(sample(fleet.pid));
}
const counted = await figures();
const spent = spentMs(fleet.pid) / 1000;
load.over = true;
clearInterval(killing);
await Promise.all(users);
agent.destroy();
fleet.kill('SIGTERM');
const code = await ended;
rmSync(home, { recursive: true, force: true });
process.exitCode = judge();

function sample(pid) {
  const kB = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  return { mb: kB / 1024, descriptors: readdirSync(`/proc/${pid}/fd`).length };
}

/** Incidents are counted by whoever makes them, errors by the supervisor. */
function isAllDone() {
  const { ok, failed, started } = told;
  const { requests, restarts, incidents } = FULL;
  return options.full && ok + failed >= requests && started >= restarts && failed * ERRORS >= incidents;
}

/** Of the supervisor's own metrics, by name. */
function figures() {
  return new Promise((resolve) => {
    http
      .get({ socketPath: join(home, 'cordon', 'soak.sock'), path: '/metrics' }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk) => (text += chunk));
        response.on('end', () =>
          resolve(new Map([...text.matchAll(/^(\w+) (\d+)$/gm)].map(([, name, value]) => [name, Number(value)]))),
        );
      })
      .once('error', () => resolve(new Map()));
  });
}

function judge() {
  const quarter = (index, of) => {
    const from = Math.floor((samples.length * index) / 4);
    return median(samples.slice(from, Math.floor((samples.length * (index + 1)) / 4)).map(of));
  };
  const memory = [0, 1, 2, 3].map((index) => quarter(index, ({ mb }) => mb));
  const descriptors = [0, 1, 2, 3].map((index) => quarter(index, (one) => one.descriptors));
  const most = Math.max(...samples.map(({ mb }) => mb));
  const step = Math.max(1, Math.floor(samples.length / 40));
  for (let at = 0; at < samples.length; at += step) {
    const { mb, descriptors: open } = samples[at];
    console.log(
      `${String(at + 1).padStart(5)} s ${mb.toFixed(1).padStart(7)} MB ${String(open).padStart(4)} fds ${'#'.repeat(Math.round((mb / most) * BAR))}`,
    );
  }
  const { ok, failed, lost, started, gone } = told;
  console.log(`${ok} requests answered, ${failed} failed as they should, ${lost} lost with workers that were killed`);
  console.log(`${started} workers started, ${gone} ended; exit code ${code}`);
  console.log(
    `${counted.get('cordon_faults_total')} errors, each an incident of its own, of which others have pushed ${counted.get('cordon_incidents_forgotten_total')} out of the book; ${samples.length} s`,
  );
  console.log(
    `memory by quarter: ${memory.map((mb) => mb.toFixed(1)).join(', ')} MB; descriptors: ${descriptors.join(', ')}`,
  );
  const flat = options.short || memory[3] <= memory[1] * GROWTH;
  const tight = descriptors[3] <= descriptors[1] + 4;
  if (!flat)
    console.log(
      `memory has grown by ${((memory[3] / memory[1] - 1) * 100).toFixed(1)} % from the second quarter to the last`,
    );
  if (!tight) console.log('descriptors have grown');
  const { user: own, system } = process.cpuUsage();
  console.log(`processor time: the fleet ${spent.toFixed(0)} s, who asked ${((own + system) / 1e6).toFixed(0)} s`);
  const whole = !options.full || isAllDone();
  if (!whole) console.log('not all that was to happen has: give it more --seconds, or a quieter machine');
  return flat && tight && whole && code === 0 && ok > 0 ? 0 : 1;
}

function median(values) {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        seconds: { type: 'string' },
        users: { type: 'string', default: '8' },
        workers: { type: 'string', default: '4' },
        full: { type: 'boolean', default: false },
        short: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    const whole = (text) => (/^[1-9]\d*$/.test(text) ? Number(text) : misused(`expected a whole number, got ${text}`));
    if (values.help) {
      console.log(help);
      process.exit(0);
    }
    const { short, full, seconds = full ? '1500' : '300' } = values;
    return {
      seconds: short ? 40 : whole(seconds),
      users: whole(values.users),
      workers: whole(values.workers),
      short,
      full,
    };
  } catch (error) {
    return misused(error.message);
  }
}

function misused(why) {
  console.error(`soak: ${why}\n\n${help}`);
  process.exit(64);
}
