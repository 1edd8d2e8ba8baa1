// Three machines that register in an etcd of three servers, for real: network namespaces joined by a bridge, an etcd and a cordon in
// each, and clients that go where the registry says. The leader dies, the quorum is lost, the whole etcd is gone for a while, one
// machine drains, one dies. Needs root, etcd, and iproute2. `npm run registry`, or `-- --short`. The last line is JSON.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const self = fileURLToPath(import.meta.url);
const root = fileURLToPath(new URL('../', import.meta.url));
const short = process.argv.includes('--short');
const OUTAGE_MS = short ? 1500 : 30_000;
const TTL_S = 3;
/** A busy machine is late with everything; clients must have heard by then all the same. */
const DELAY_MS = 4000;
const USERS = 8;
const PAUSE_MS = short ? 40 : 10;

if (!process.argv.includes('--inside')) {
  // Everything below lives in a network of its own, which is gone when this process is.
  const inside = spawn('unshare', ['--net', process.execPath, self, ...process.argv.slice(2), '--inside'], {
    stdio: 'inherit',
  });
  const [code] = await once(inside, 'exit');
  process.exit(code ?? 1);
}

const began = performance.now();
const say = (text) =>
  process.stderr.write(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${text}\n`);
const folder = mkdtempSync(join(tmpdir(), 'cordon-registry-'));
const children = new Set();
const ip = (...words) => execFileSync('ip', words, { stdio: ['ignore', 'ignore', 'inherit'] });

function run(net, log, file, args, env = {}) {
  const [program, ...words] =
    net === undefined ? [file, ...args] : ['nsenter', `--net=/proc/${net}/ns/net`, file, ...args];
  const out = openSync(join(folder, log), 'a');
  const child = spawn(program, words, { stdio: ['ignore', out, out], env: { ...process.env, ...env }, detached: true });
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}
/** With all that it has started. */
const kill = (child, signal) => {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // Gone already.
  }
};
process.once('exit', () => {
  for (const child of children) kill(child, 'SIGKILL');
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

const netOf = (pid) => {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return undefined;
  }
};

ip('link', 'set', 'lo', 'up');
ip('link', 'add', 'br0', 'type', 'bridge');
ip('addr', 'add', '10.98.0.254/24', 'dev', 'br0');
ip('link', 'set', 'br0', 'up');

const hosts = [1, 2, 3].map((n) => {
  const holder = spawn('unshare', ['--net', 'sleep', 'infinity'], { stdio: 'ignore', detached: true });
  children.add(holder);
  return { n, ip: `10.98.0.${n}`, net: holder.pid, name: `n${n}` };
});
for (const host of hosts) {
  while (netOf(host.net) === netOf('self')) await sleep(5);
  ip('link', 'add', `v${host.n}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', String(host.net));
  ip('link', 'set', `v${host.n}`, 'master', 'br0', 'up');
  const inside = (...words) => execFileSync('nsenter', [`--net=/proc/${host.net}/ns/net`, 'ip', ...words]);
  inside('addr', 'add', `${host.ip}/24`, 'dev', 'eth0');
  inside('link', 'set', 'eth0', 'up');
  inside('link', 'set', 'lo', 'up');
}

const endpoints = hosts.map((host) => `http://${host.ip}:2379`);
function startEtcd(host) {
  const [client, peer] = [`http://${host.ip}:2379`, `http://${host.ip}:2380`];
  const options = {
    name: host.name,
    'data-dir': join(folder, host.name),
    'log-level': 'error',
    'listen-client-urls': client,
    'advertise-client-urls': client,
    'listen-peer-urls': peer,
    'initial-advertise-peer-urls': peer,
    'initial-cluster': hosts.map((one) => `${one.name}=http://${one.ip}:2380`).join(),
  };
  const words = Object.entries(options).map(([option, value]) => `--${option}=${value}`);
  host.etcd = run(host.net, `etcd-${host.n}.log`, 'etcd', words);
}
async function post(host, route, body, timeoutMs = 1000) {
  const request = { method: 'POST', body: JSON.stringify(body), signal: AbortSignal.timeout(timeoutMs) };
  return (await fetch(`http://${host.ip}:2379/v3${route}`, request)).json();
}
const encode = (text) => Buffer.from(text).toString('base64');
const decode = (text) => Buffer.from(text, 'base64').toString();
const RANGE = { key: encode('/services/busy/'), range_end: encode('/services/busy0') };

/** What the registry says, by whichever server answers; undefined where none does. */
async function entries() {
  for (const host of hosts) {
    const answer = await post(host, '/kv/range', RANGE).catch(() => undefined);
    if (answer?.header) return (answer.kvs ?? []).map(({ value }) => JSON.parse(decode(value)));
  }
  return undefined;
}
async function until(what, holds, withinMs = 60_000) {
  const from = performance.now();
  for (;;) {
    const found = await entries();
    if (found !== undefined && holds(found)) return Math.round(performance.now() - from);
    if (performance.now() - from > withinMs) {
      for (const host of hosts) process.stderr.write(readFileSync(join(folder, `cordon-${host.n}.log`), 'utf8'));
      throw new Error(`${what}: not within ${withinMs} ms; the registry has ${JSON.stringify(found)}`);
    }
    await sleep(20);
  }
}
async function leader() {
  for (;;) {
    for (const host of hosts) {
      const { header, leader: id } = await post(host, '/maintenance/status', {}).catch(() => ({}));
      if (header && id === header.member_id && id !== '0') return host;
    }
    await sleep(50);
  }
}

function startCordon(host) {
  const config = join(folder, `cordon-${host.n}.json`);
  const registry = { address: `${host.ip}:3000`, etcd: { endpoints, ttl: `${TTL_S}s` } };
  const script = join(root, 'test/fixtures/process/busy.mjs');
  writeFileSync(
    config,
    JSON.stringify({ name: 'busy', script, workers: 1, stop: { delay: `${DELAY_MS}ms`, linger: '1s' }, registry }),
  );
  const env = { PORT: '3000', XDG_RUNTIME_DIR: join(folder, `r${host.n}`), XDG_STATE_HOME: join(folder, `s${host.n}`) };
  const words = [join(root, 'dist/cli/main.js'), 'start', '-c', config, '--log-format', 'json'];
  host.cordon = run(host.net, `cordon-${host.n}.log`, process.execPath, words, env);
}
const counted = (host, words) => readFileSync(join(folder, `cordon-${host.n}.log`), 'utf8').split(words).length - 1;
/** How often each machine has told that etcd does not answer. */
const told = () => hosts.map((host) => counted(host, 'etcd does not answer'));
/** Each machine has heard of its etcd again. */
async function calm() {
  while (hosts.some((host) => counted(host, 'etcd does not answer') > counted(host, 'etcd answers again')))
    await sleep(20);
}

// The clients: each asks one of those that the registry named last, one after the other, on kept connections.
let known = [];
const load = { following: true, ending: false };
const counts = { asked: 0, lost: 0 };
const agent = new http.Agent({ keepAlive: true, maxSockets: 32 });
const ask = (address) =>
  new Promise((resolve) => {
    const request = http.get(`http://${address}/ok`, { agent, timeout: 5000 }, (response) => {
      response
        .resume()
        .once('end', () => resolve(response.statusCode === 200 ? undefined : String(response.statusCode)));
    });
    request.once('error', (error) => resolve(error.code ?? error.message));
    request.once('timeout', () => request.destroy(new Error('timeout')));
  });
const losses = {};
async function user(i) {
  for (let turn = i; !load.ending; turn++) {
    const one = known[turn % Math.max(1, known.length)];
    if (one !== undefined) {
      counts.asked++;
      const why = await ask(one.address);
      if (why !== undefined) {
        counts.lost++;
        losses[why] = (losses[why] ?? 0) + 1;
      }
    }
    await sleep(PAUSE_MS);
  }
}
async function follow() {
  while (!load.ending) {
    const now = await entries();
    if (load.following && now !== undefined) known = now;
    await sleep(50);
  }
}
const report = { outageMs: OUTAGE_MS, ttlMs: TTL_S * 1000 };
/** Does something while clients ask, and notes what they lost. */
async function meanwhile(what, act) {
  const before = { ...counts };
  const figures = await act();
  report[what] = { asked: counts.asked - before.asked, lost: counts.lost - before.lost, ...figures };
  say(`${what}: ${JSON.stringify(report[what])}`);
}
const outage = async (from) => {
  for (const host of from) kill(host.etcd, 'SIGKILL');
  await sleep(OUTAGE_MS);
  for (const host of from) startEtcd(host);
  const backMs = await until('all three again', (all) => all.length === 3);
  await calm();
  return { backMs };
};

for (const host of hosts) startEtcd(host);
await leader();
say('etcd has a leader');
for (const host of hosts) startCordon(host);
report.registeredMs = await until(
  'three entries',
  (all) => all.length === 3 && all.every(({ weight }) => weight === 100),
);
say(`three machines are registered after ${report.registeredMs} ms`);
known = await entries();
const clients = [...Array.from({ length: USERS }, (_, i) => user(i)), follow()];
await sleep(500);

await meanwhile('leaderKilled', async () => {
  const old = await leader();
  kill(old.etcd, 'SIGKILL');
  await sleep(OUTAGE_MS / 2);
  startEtcd(old);
  const backMs = await until('all three again', (all) => all.length === 3);
  await calm();
  return { backMs };
});
if (!short) await meanwhile('quorumLost', () => outage(hosts.slice(0, 2)));
await meanwhile('allGone', async () => {
  const before = told();
  const figures = await outage(hosts);
  return { ...figures, warnings: told().map((count, i) => count - before[i]) };
});
await meanwhile('drained', async () => {
  kill(hosts[0].cordon, 'SIGTERM');
  const goneMs = await until('two entries', (all) => all.length === 2);
  await once(hosts[0].cordon, 'exit');
  return { goneMs };
});
await meanwhile('killed', async () => {
  // Its clients lose what is on its way there, until the registry forgets it: they are told to keep away, as a proxy's check does.
  load.following = false;
  known = known.filter(({ address }) => address !== `${hosts[1].ip}:3000`);
  const asked = counts.asked;
  while (counts.asked < asked + 4 * USERS) await sleep(20);
  const there = netOf(hosts[1].net);
  const mine = readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && netOf(pid) === there)
    .map(Number);
  for (const pid of mine) if (pid !== hosts[1].net && pid !== hosts[1].etcd.pid) process.kill(pid, 'SIGKILL');
  const goneMs = await until('one entry', (all) => all.length === 1);
  load.following = true;
  return { goneMs };
});
load.ending = true;
await Promise.all(clients);
agent.destroy();
const faults = ['leaderKilled', 'quorumLost', 'allGone', 'drained', 'killed'].filter(
  (what) => (report[what]?.lost ?? 0) > 0,
);
if (report.drained.goneMs > (short ? DELAY_MS : 1000)) faults.push('drained');
// etcd looks for leases that have run out twice a second.
if (report.killed.goneMs > TTL_S * 1000 + (short ? 5000 : 1500)) faults.push('killed');
if (report.allGone.warnings.some((count) => count !== 1)) faults.push('warnings');
process.stdout.write(`${JSON.stringify({ ...report, losses, faults })}\n`);
process.exit(faults.length === 0 ? 0 : 1);
