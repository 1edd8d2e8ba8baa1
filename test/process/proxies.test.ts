// Behind a real nginx and a real HAProxy, with kept connections: what cordon does to its workers is no 502 for anybody.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { ask } from '../support/client.js';
import { type Fleet, fixture, startFleet } from '../support/fleet.js';
import { lost, startLoad } from '../support/load.js';
import { freePort, proxied, startHAProxy, startNginx } from '../support/proxy.js';

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

proxied('haproxy', 'HAProxy: the weight follows the share of the workers that serve', async (t) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'cordon-weight-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const release = path.join(folder, 'release');
  await writeFile(release, 'serve');
  const [agentA, agentB] = [await freePort(), await freePort()];
  const a = await machine(t, agentA, { RELEASE: release });
  const b = await machine(t, agentB);
  const proxy = await startHAProxy(t, { a: { port: a.at, agent: agentA }, b: { port: b.at, agent: agentB } });
  await proxy.until('a', /^UP 100$/);
  // The next worker never gets ready.
  await writeFile(release, 'hang');
  const dead = (await a.line(({ worker, pid }) => worker === 1 && pid !== undefined)).pid as number;
  process.kill(dead, 'SIGKILL');
  await proxy.until('a', /^UP 50$/);
  await proxy.until('b', /^UP 100$/);
  t.is(await a.stop(), 0);
  await proxy.until('a', /^DOWN/);
  t.is(await b.stop(), 0);
});
