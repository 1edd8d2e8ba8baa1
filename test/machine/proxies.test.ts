// Behind a real nginx and a real HAProxy, with kept connections: what cordon does to its workers is no 502 for anybody.
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { ask } from '../support/client.js';
import { type Fleet, fixture, startFleet } from '../support/fleet.js';
import { lost, startLoad } from '../support/load.js';
import { freePort, type HAProxy, proxied, startHAProxy, startNginx } from '../support/proxy.js';
import { until } from '../support/until.js';

/** Reads the configuration again and replaces every worker. */
async function reload(fleet: Fleet): Promise<void> {
  const from = fleet.lines.length;
  fleet.child.kill('SIGHUP');
  await fleet.line(/^reload done/, from);
}

async function machine(
  t: ExecutionContext,
  agent: number,
  env: NodeJS.ProcessEnv = {},
): Promise<Fleet & { at: number }> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'cordon-machine-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const config = path.join(folder, 'cordon.config.json');
  const script = fixture(env['RELEASE'] === undefined ? 'process/busy.mjs' : 'process/release.mjs');
  await writeFile(config, JSON.stringify({ script, workers: 2, agent: { listen: [`127.0.0.1:${agent}`] } }));
  const at = await freePort();
  const fleet = startFleet(t, ['-c', config], { env: { ...env, PORT: String(at) } });
  await fleet.ready();
  return Object.assign(fleet, { at });
}

proxied('nginx', 'nginx with kept connections: five reloads under POST lose nothing', async (t) => {
  const fleet = startFleet(t, [fixture('process/busy.mjs'), '-w', '2']);
  const upstream = await fleet.port();
  await fleet.ready();
  const port = await startNginx(t, upstream);
  const load = startLoad(t, { port }, 8, (index) => ({
    path: index % 4 === 0 ? '/slow?ms=20' : '/ok',
    method: index % 2 === 0 ? 'POST' : 'GET',
    ...(index % 2 === 0 && { body: 'x'.repeat(100) }),
  }));
  await load.reached(100);
  for (let turn = 0; turn < 5; turn++) {
    await reload(fleet);
    await load.reached(load.told.length + 100);
  }
  t.deepEqual(lost(await load.end()), []);
  t.log(`0 lost of ${load.told.length}`);
  t.is(await fleet.stop(), 0);
});

proxied('haproxy', 'HAProxy: reloads lose nothing, and a machine that drains gets no new request', async (t) => {
  const [agentA, agentB] = [await freePort(), await freePort()];
  const [a, b] = [await machine(t, agentA), await machine(t, agentB)];
  const proxy = await startHAProxy(t, { a: { port: a.at, agent: agentA }, b: { port: b.at, agent: agentB } });
  await proxy.until('a', /^UP 100$/);
  await proxy.until('b', /^UP 100$/);
  const load = startLoad(t, { port: proxy.port }, 8, (index) => ({ path: index % 4 === 0 ? '/slow?ms=20' : '/ok' }));
  await load.reached(100);
  for (let turn = 0; turn < 3; turn++) {
    await reload(turn % 2 === 0 ? a : b);
    await load.reached(load.told.length + 100);
  }
  t.deepEqual(lost(await load.end()), []);
  t.log(`0 lost of ${load.told.length}`);
  // Its last request keeps the fleet a while.
  const open = ask(t, { port: a.at }, '/slow?ms=4000');
  await ask(t, { port: a.at }, '/ok');
  const stopped = a.stop();
  await proxy.until('a', /^DRAIN/);
  const before = await proxy.sessions('a');
  const rest = startLoad(t, { port: proxy.port }, 4, (index) => (index < 40 ? { path: '/ok' } : undefined));
  await rest.reached(40);
  t.deepEqual(lost(await rest.end()), []);
  t.is(await proxy.sessions('a'), before);
  t.like(await open, { status: 200 });
  t.is(await stopped, 0);
  t.is(await b.stop(), 0);
});

interface Check {
  /** What HAProxy took the server for when it asked. */
  readonly before: string;
  readonly answer: string;
}

/** Stands between HAProxy and an agent, and keeps an account of each check. */
async function overheard(t: ExecutionContext, agent: number, look: () => Promise<string>) {
  const checks: Check[] = [];
  const answered = async (asking: net.Socket): Promise<void> => {
    const before = await look();
    const answering = net.connect(agent, '127.0.0.1').setEncoding('utf8');
    let answer = '';
    answering.on('data', (text: string) => (answer += text)).on('error', () => asking.destroy());
    answering.on('end', () => {
      checks.push({ before, answer: answer.trim() });
      asking.end(answer);
    });
  };
  const server = net.createServer((asking) => {
    asking.on('error', () => {});
    void answered(asking);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => void server.close());
  return { checks, port: (server.address() as net.AddressInfo).port };
}

proxied('haproxy', 'HAProxy: the weight follows the share of the workers that serve, within two checks', async (t) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'cordon-weight-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const release = path.join(folder, 'release');
  await writeFile(release, 'serve');
  const [agentA, agentB] = [await freePort(), await freePort()];
  const a = await machine(t, agentA, { RELEASE: release });
  const b = await machine(t, agentB);
  let proxy: HAProxy | undefined;
  const { checks, port } = await overheard(t, agentA, () => proxy?.state('a') ?? Promise.resolve(''));
  proxy = await startHAProxy(t, { a: { port: a.at, agent: port }, b: { port: b.at, agent: agentB } });
  await proxy.until('a', /^UP 100$/);
  // The next worker never gets ready.
  await writeFile(release, 'hang');
  const dead = (await a.line(({ worker, pid }) => worker === 1 && pid !== undefined)).pid as number;
  process.kill(dead, 'SIGKILL');
  await proxy.until('a', /^UP 50$/);
  await proxy.until('b', /^UP 100$/);
  const first = checks.findIndex(({ answer }) => answer === 'up ready 50%');
  await until('two more checks', () => checks.length >= first + 3);
  t.is(checks[first + 2]?.before, 'UP 50');
  t.is(await a.stop(), 0);
  await proxy.until('a', /^DOWN/);
  t.is(await b.stop(), 0);
});
