// Sockets as the program meets them: what it sees under cordon is what it sees under plain node:cluster, and what cordon adds,
// owned sockets, keeps its promises.
import { spawn, spawnSync } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { type Fleet, fixture, startFleet } from '../support/fleet.js';
import { until } from '../support/until.js';
import { type Seen, underCordon, underPlainCluster } from '../support/views.js';

const server = fixture('sockets/server.mjs');
const at = (where: object): string[] => ['--', JSON.stringify(where)];

function folder(t: ExecutionContext): string {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), 'cordon-sockets-'));
  t.teardown(() => fs.rmSync(made, { recursive: true, force: true }));
  return made;
}

/** A port that another process than the fleet's has. */
async function foreign(t: ExecutionContext, host = '127.0.0.1'): Promise<number> {
  const holder = net.createServer().listen(0, host);
  await once(holder, 'listening');
  t.teardown(() => void holder.close());
  return (holder.address() as AddressInfo).port;
}

async function freePort(): Promise<number> {
  const holder = net.createServer().listen(0);
  await once(holder, 'listening');
  const { port } = holder.address() as AddressInfo;
  await new Promise((done) => holder.close(done));
  return port;
}

/** A new connection's answer, or the code of the error. */
function get(where: { port: number } | { socketPath: string }, url = '/'): Promise<string> {
  return new Promise((done) => {
    http
      .get({ host: '127.0.0.1', agent: false, path: url, ...where }, (response) => {
        let body = '';
        response
          .setEncoding('utf8')
          .on('data', (text: string) => (body += text))
          .on('end', () => done(body));
      })
      .on('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
  });
}

const said = (fleet: Fleet, text: RegExp): number => fleet.lines.filter(({ msg }) => text.test(msg)).length;
const pidOf = async (fleet: Fleet, worker: number): Promise<number> =>
  (await fleet.line((line) => line.worker === worker && line.pid !== undefined)).pid ?? 0;

// ── As under plain node:cluster ─────────────────────────────────────────────────────────────────────────────────────────────

interface Worlds {
  readonly cordon: readonly Seen[];
  readonly plain: readonly Seen[];
}
let worlds: Promise<Worlds> | undefined;

/** Both worlds run once, whichever test is first. */
const bothWorlds = (t: ExecutionContext): Promise<Worlds> => (worlds ??= runBoth(t));

async function runBoth(t: ExecutionContext): Promise<Worlds> {
  const udp = dgram.createSocket('udp4').bind(0, '127.0.0.1');
  await once(udp, 'listening');
  t.teardown(() => void udp.close());
  const taken = await foreign(t);
  const [one, other] = [folder(t), folder(t)];
  for (const made of [one, other]) {
    fs.mkdirSync(path.join(made, 'deep/'.repeat(20)), { recursive: true });
    fs.writeFileSync(path.join(made, 'file'), 'kept');
  }
  const run = async (world: typeof underCordon, cwd: string): Promise<Seen[]> => {
    const orders = JSON.stringify({ taken, takenUdp: udp.address().port, folder: cwd });
    const seen = await world(t, 'sockets/views.mjs', [orders], cwd);
    return JSON.parse(JSON.stringify(seen).replaceAll(path.basename(cwd), 'FOLDER')) as Seen[];
  };
  const [cordon, plain] = await Promise.all([run(underCordon, one), run(underPlainCluster, other)]);
  return { cordon, plain };
}

const shared = (seen: readonly Seen[]): boolean => new Set(seen.map(({ chosen }) => JSON.stringify(chosen))).size === 1;

for (const scenario of [
  'port 0 once',
  'port 0 twice',
  'IPv4',
  'any IPv4',
  'IPv6',
  'dual stack',
  'IPv6 alone',
  'localhost',
  'exclusive: true',
  'reusePort: true',
  'a unix path',
  'a relative unix path',
  'readableAll and writableAll',
  'readableAll alone',
  'an abstract name',
  'a path longer than the kernel takes',
  'a path that nobody may make',
  'a path that is taken',
  'a path that is a file',
  'two servers on one port',
  'a port that another process has',
  'an address of another machine',
  'an fd that is none',
  'listening twice',
  'closing and listening again',
  'closing before it listens',
  'UDP over IPv4',
  'UDP over IPv6',
  'UDP alone',
  'UDP on a port that is taken',
  'UDP closed and bound again',
])
  test(`a program sees of its sockets what plain node:cluster shows it: ${scenario}`, async (t) => {
    const both = await bothWorlds(t);
    const [cordon, plain] = [both.cordon, both.plain].map((seen) => seen.filter((one) => one['scenario'] === scenario));
    t.is(cordon?.length, 2);
    t.deepEqual(
      cordon?.map(({ view }) => view),
      plain?.map(({ view }) => view),
    );
    t.is(shared(cordon ?? []), shared(plain ?? []), 'both workers have the same port, or each its own');
  });

// ── What cordon adds ────────────────────────────────────────────────────────────────────────────────────────────────────────

test('with every worker killed at once, clients wait in the backlog and are all answered', async (t) => {
  const fleet = startFleet(t, [server, '-w', '2', ...at({ port: 0 })]);
  const port = await fleet.port();
  await fleet.ready();
  const pids = [await pidOf(fleet, 1), await pidOf(fleet, 2)];
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  await Promise.all([fleet.line(/worker 1 died/), fleet.line(/worker 2 died/)]);
  const answers = await Promise.all(Array.from({ length: 30 }, () => get({ port })));
  for (const answer of answers) t.regex(answer, /^\d+$/);
  t.false(answers.some((pid) => pids.includes(Number(pid))));
});

test('a port closed by one worker is served by the others, and refuses when all have closed it', async (t) => {
  const fleet = startFleet(t, [server, '-w', '2', ...at({ port: 0 })]);
  const port = await fleet.port();
  await fleet.ready();
  const first = await get({ port }, '/close');
  await fleet.line(/^closed/);
  const second = await get({ port });
  t.not(second, first);
  t.regex(second, /^\d+$/);
  await get({ port }, '/close');
  await fleet.line(() => said(fleet, /^closed/) === 2);
  // The supervisor hears of it a moment later: until then clients wait in the backlog, and are cut when it closes.
  const refusal = await until('nobody is cut any more', async () => {
    const answer = await get({ port });
    return answer !== 'ECONNRESET' && answer;
  });
  t.is(refusal, 'ECONNREFUSED');
});

test('--listen binds before any worker starts, and is what the program gets, however it listens', async (t) => {
  const port = await freePort();
  const fleet = startFleet(t, [server, '-w', '2', '--listen', `127.0.0.1:${port}`, ...at({ port })]);
  await fleet.ready();
  t.regex(await get({ port }), /^\d+$/);
  // Bound to what the operator said, not to every address as the program did.
  const elsewhere = Object.values(os.networkInterfaces())
    .flat()
    .find((address) => address?.family === 'IPv4' && !address.internal);
  if (elsewhere) {
    const socket = net.connect(port, elsewhere.address);
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
    t.is(error.code, 'ECONNREFUSED');
  }
});

test('one port may be listed for two hosts: each has its own socket, before and after an upgrade', async (t) => {
  const port = await freePort();
  const hosts = ['127.0.0.1', '127.0.0.2'];
  const listed = hosts.flatMap((host) => ['--listen', `${host}:${port}`]);
  const fleet = startFleet(t, [
    fixture('sockets/two-hosts.mjs'),
    '-w',
    '1',
    '--ready',
    'message',
    '-p',
    String(port),
    ...listed,
  ]);
  const answers = () => Promise.all(hosts.map((host) => get({ host, port } as { port: number })));
  await fleet.ready();
  t.deepEqual(await answers(), hosts);
  fleet.child.kill('SIGUSR2');
  const { msg } = await fleet.line(/^upgrade: the successor serves /);
  const successor = Number(/pid (\d+)\)/.exec(msg)?.[1]);
  t.teardown(() => spawnSync('kill', ['-KILL', String(successor)]));
  t.deepEqual(await answers(), hosts);
  process.kill(successor, 'SIGTERM');
  await fleet.ended;
});

test('a pinned port stays open when every worker has closed its server', async (t) => {
  const port = await freePort();
  const fleet = startFleet(t, [server, '-w', '1', '--listen', String(port), ...at({ port })]);
  await fleet.ready();
  await get({ port }, '/close');
  await fleet.line(/^closed/);
  const client = net.connect(port, '127.0.0.1');
  await once(client, 'connect');
  client.destroy();
  t.is(await fleet.stop(), 0);
});

test('--listen of a taken port fails at once, names the address, and exits 73', async (t) => {
  const port = await foreign(t);
  const fleet = startFleet(t, [server, '--listen', `127.0.0.1:${port}`, ...at({ port })]);
  t.is(await fleet.ended, 73);
  t.true(fleet.stderr().includes(`127.0.0.1:${port}`), fleet.stderr());
  t.is(fleet.stderr().trim().split('\n').length, 1);
});

test('--listen takes a host by its name, and says so when nobody knows it', async (t) => {
  const port = await freePort();
  const fleet = startFleet(t, [server, '-w', '1', '--listen', `localhost:${port}`, ...at({ port, host: 'localhost' })]);
  await fleet.ready();
  const socket = net.connect({ port, host: 'localhost' });
  await once(socket, 'connect');
  socket.destroy();

  const lost = startFleet(t, [server, '--listen', `no-such-host.invalid:${port}`]);
  t.is(await lost.ended, 73);
  t.regex(lost.stderr(), /no-such-host\.invalid/);
});

test('--listen of an address that nobody listens on is harmless', async (t) => {
  const port = await freePort();
  const fleet = startFleet(t, [server, '-w', '1', '--listen', String(port), ...at({ port: 0 })]);
  t.regex(await get({ port: await fleet.port() }), /^\d+$/);
  t.is(await fleet.stop(), 0);
});

test('a unix path goes with a graceful stop, and one left by a dead supervisor is taken over, and told', async (t) => {
  const socketPath = path.join(folder(t), 'app.sock');
  const killed = startFleet(t, [server, '-w', '1', ...at({ path: socketPath })]);
  await killed.ready();
  const worker = await pidOf(killed, 1);
  process.kill(worker, 'SIGSTOP');
  killed.child.kill('SIGKILL');
  await killed.ended;
  process.kill(worker, 'SIGKILL');
  t.true(fs.existsSync(socketPath));

  const next = startFleet(t, [server, '-w', '1', ...at({ path: socketPath })]);
  await next.ready();
  t.regex(await get({ socketPath }), /^\d+$/);
  t.true((await next.line(/took over/)).msg.includes(socketPath));
  t.is(await next.stop(), 0);
  t.false(fs.existsSync(socketPath));
});

test('a pinned unix path that a dead supervisor left behind is taken over, and a file of the user is not', async (t) => {
  const made = folder(t);
  const file = path.join(made, 'precious.txt');
  fs.writeFileSync(file, 'kept');
  const refused = startFleet(t, [server, '--listen', file, ...at({ path: file })]);
  t.is(await refused.ended, 73);
  t.is(fs.readFileSync(file, 'utf8'), 'kept');

  const socketPath = path.join(made, 'app.sock');
  const dead = spawn(process.execPath, [
    '-e',
    `require('node:net').createServer().listen(${JSON.stringify(socketPath)}, () => process.kill(process.pid, 'SIGKILL'))`,
  ]);
  await once(dead, 'exit');
  const fleet = startFleet(t, [server, '-w', '1', '--listen', socketPath, ...at({ path: socketPath })]);
  await fleet.ready();
  t.regex(await get({ socketPath }), /^\d+$/);
  t.is(said(fleet, /took over/), 1);
});

test('a file descriptor that the supervisor inherited is listened on by every worker', async (t) => {
  const holder = net.createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const { port } = holder.address() as AddressInfo;
  const { fd } = (holder as unknown as { _handle: { fd: number } })._handle;
  const fleet = startFleet(t, [server, '-w', '2', ...at({ fd: 3 })], { inherit: fd });
  await fleet.ready();
  await new Promise((done) => holder.close(done));
  t.regex(await get({ port }), /^\d+$/);
  t.is(said(fleet, /^failed/), 0);
});

test('a port that the user may not have is an error of the program, as under plain node:cluster', async (t) => {
  const lowest = Number(fs.readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
  const nobody = { uid: 65_534, gid: 65_534 };
  const read = `fs.accessSync(${JSON.stringify(server)})`;
  const able = process.getuid?.() === 0 && spawnSync(process.execPath, ['-e', read], nobody).status === 0;
  if (!able || lowest <= 80) {
    t.pass('needs root to become somebody else who can read this folder, and a system where port 80 is privileged');
    return;
  }
  const fleet = startFleet(t, [server, '-w', '1', ...at({ port: 80 })], { ...nobody, cwd: os.tmpdir() });
  const { msg } = await fleet.line(/^failed/);
  const plain = spawn(process.execPath, [fixture('sockets/plain-cluster.mjs'), server, JSON.stringify({ port: 80 })], {
    ...nobody,
    cwd: os.tmpdir(),
  });
  const over = once(plain, 'exit');
  const [text] = (await once(plain.stdout.setEncoding('utf8'), 'data')) as [string];
  plain.kill('SIGTERM');
  await over;
  t.regex(msg, /EACCES/);
  t.true(text.split('\n').includes(msg), text);
});

test('UDP messages are answered while workers come and go', async (t) => {
  const fleet = startFleet(t, [fixture('sockets/udp.mjs'), '-w', '2']);
  const port = await fleet.port();
  await fleet.ready();
  const client = dgram.createSocket('udp4');
  t.teardown(() => void client.close());
  const ask = async (): Promise<string> => {
    client.send('ping', port, '127.0.0.1');
    return String((await once(client, 'message'))[0]);
  };
  const first = Number(await ask());
  process.kill(first, 'SIGKILL');
  await fleet.line(/died/);
  t.not(Number(await ask()), first);
  t.is(await fleet.stop(), 0);
});

test('a TLS session made by one worker is resumed by another', async (t) => {
  const fleet = startFleet(t, [fixture('sockets/tls.mjs'), '-w', '2']);
  const port = await fleet.port();
  await fleet.ready();
  const visit = (session?: Buffer): Promise<{ pid: number; resumed: boolean; session: Buffer | undefined }> =>
    new Promise((resolve, reject) => {
      let text = '';
      let ticket: Buffer | undefined;
      tls
        .connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...(session && { session }) })
        .on('session', (given: Buffer) => (ticket = given))
        .on('data', (data) => (text += data))
        .on('error', reject)
        .on('close', () => resolve({ ...(JSON.parse(text) as { pid: number; resumed: boolean }), session: ticket }));
    });
  const first = await visit();
  t.false(first.resumed);
  // The kernel chooses the worker: with the first one gone, it is another.
  process.kill(first.pid, 'SIGKILL');
  await fleet.line(/died/);
  const second = await visit(first.session);
  t.not(second.pid, first.pid);
  t.true(second.resumed);
});

test('thirty workers later, the supervisor holds no more descriptors than before', async (t) => {
  const made = folder(t);
  // Restarts are not slowed down.
  const config = path.join(made, 'cordon.config.json');
  const restart = { backoff: { min: '1ms', max: '1ms' }, intensity: { restarts: 1000, within: '1m' } };
  fs.writeFileSync(config, JSON.stringify({ restart }));
  const fleet = startFleet(t, [fixture('sockets/short-lived.mjs'), '-w', '1', '-c', config, '--', made]);
  // While one worker is buried and the next is born there are more: the least of ten lifetimes is what is kept.
  const least = async (from: number): Promise<number> => {
    let fewest = Number.POSITIVE_INFINITY;
    for (let n = from; n < from + 10; n++) {
      await fleet.line(({ msg }) => msg === `worker ${n} is ready (1 of 1)`);
      fewest = Math.min(fewest, fs.readdirSync(`/proc/${fleet.child.pid}/fd`).length);
    }
    return fewest;
  };
  const before = await least(1);
  const after = await least(30);
  t.true(after <= before + 2, `${before} before, ${after} after`);
  // Each worker listens on a path with its own pid in it: what no successor asks for goes.
  t.true(fs.readdirSync(made).length <= 6, fs.readdirSync(made).join(' '));
  // Node itself opens one or two when it needs them; what is inherited would add up.
  const held = fleet.lines.flatMap(({ msg }) => (msg.startsWith('descriptors') ? [Number(msg.split(' ')[1])] : []));
  t.true(Math.max(...held) - Math.min(...held) <= 3, held.join(' '));
});
