// `npm run soak [-- --short]`: a fleet for minutes, with requests, errors that nobody caught, and workers that are killed; what the
// supervisor's memory and its open descriptors do meanwhile. Linux only. Exit code 0: the curve is flat; 1: it is not; 64: misused.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const help = `node bench/soak.mjs [options]

  --seconds N   how long (300)
  --users N     who ask one thing after the other (8)
  --short       40 s, which is too short to judge memory by: only descriptors and requests are
  --help        print this`;

/** The last quarter's median memory may be so much more than the second quarter's. */
const GROWTH = 1.05;
const SAMPLE_MS = 1000;
const KILL_EVERY_MS = 200;
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
  // So many places that errors are thrown from that the book of errors is full all the time.
  const error = new Error('soak');
  error.fingerprint = String(process.pid) + ' ' + (n++ % 50);
  setImmediate(() => { throw error; });
}).listen(0, '127.0.0.1', function () { console.log('port ' + this.address().port); });
`,
);
const main = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const fleet = spawn(process.execPath, [main, 'start', server, '-w', '2', '--name', 'soak', '--log-format', 'json'], {
  cwd: home,
  env: {
    ...process.env,
    XDG_STATE_HOME: home,
    XDG_RUNTIME_DIR: home,
    CORDON_RESTART_BACKOFF_MIN: '10ms',
    CORDON_RESTART_BACKOFF_MAX: '20ms',
    CORDON_RESTART_INTENSITY_RESTARTS: '1000000',
    CORDON_RESTART_INTENSITY_WITHIN: '1s',
  },
  stdio: ['ignore', 'pipe', 'inherit'],
});
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
async function user(index) {
  for (let n = index; !load.over; n++) await ask(n % 20 === 0 ? '/fail' : '/ok');
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
for (let second = 0; second < options.seconds && fleet.exitCode === null; second++) {
  await sleep(SAMPLE_MS);
  samples.push(sample(fleet.pid));
}
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
    `memory by quarter: ${memory.map((mb) => mb.toFixed(1)).join(', ')} MB; descriptors: ${descriptors.join(', ')}`,
  );
  const flat = options.short || memory[3] <= memory[1] * GROWTH;
  const tight = descriptors[3] <= descriptors[1] + 4;
  if (!flat)
    console.log(
      `memory has grown by ${((memory[3] / memory[1] - 1) * 100).toFixed(1)} % from the second quarter to the last`,
    );
  if (!tight) console.log('descriptors have grown');
  return flat && tight && code === 0 && ok > 0 ? 0 : 1;
}

function median(values) {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        seconds: { type: 'string', default: '300' },
        users: { type: 'string', default: '8' },
        short: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    const whole = (text) => (/^[1-9]\d*$/.test(text) ? Number(text) : misused(`expected a whole number, got ${text}`));
    if (values.help) {
      console.log(help);
      process.exit(0);
    }
    return { seconds: values.short ? 40 : whole(values.seconds), users: whole(values.users), short: values.short };
  } catch (error) {
    return misused(error.message);
  }
}

function misused(why) {
  console.error(`soak: ${why}\n\n${help}`);
  process.exit(64);
}
