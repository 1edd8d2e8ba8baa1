// A fleet and a real etcd: registered when it is ready, forgotten when it leaves, and no request the worse for what becomes of etcd.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import test from 'ava';
import { privateFolder } from '../support/control.js';
import { registered, startEtcd } from '../support/etcd.js';
import { fixture, root, startFleet } from '../support/fleet.js';
import { lost, startLoad } from '../support/load.js';
import { freePort } from '../support/proxy.js';

const SERVES = /^upgrade: the successor serves .*pid (\d+)\)/;

registered('a fleet is registered when it is ready, through an upgrade, and until it is told to stop', async (t) => {
  const etcd = await startEtcd(t);
  const port = await freePort();
  const config = path.join(privateFolder(t), 'cordon.config.json');
  const registry = { weight: 10, etcd: { endpoints: [etcd.endpoint], ttl: '6s' } };
  const listen = [`127.0.0.1:${port}`];
  const stop = { delay: '30s' };
  await writeFile(config, JSON.stringify({ script: fixture('process/busy.mjs'), workers: 2, listen, registry, stop }));
  const fleet = startFleet(t, ['-c', config], { env: { PORT: String(port) } });
  const key = `/services/busy/127.0.0.1:${port}`;
  await fleet.line(/^registered in etcd/);
  t.like(JSON.parse((await etcd.entries())[key] ?? ''), { weight: 10, ready: 2, workers: 2, health: 'ok' });
  const load = startLoad(t, { port }, 2, () => ({ path: '/ok' }));
  await load.reached(10);
  process.kill(etcd.pid, 'SIGSTOP');
  await fleet.line(/^etcd does not answer/);
  process.kill(etcd.pid, 'SIGCONT');
  await fleet.line(/^etcd answers again/);
  const seen = fleet.lines.length;
  const left = once(fleet.child, 'exit');
  fleet.child.kill('SIGUSR2');
  const { msg } = await fleet.line(SERVES, seen);
  const successor = Number(SERVES.exec(msg)?.[1]);
  t.teardown(() => process.kill(successor, 'SIGTERM'));
  await fleet.line(/^registered in etcd/, seen);
  await left;
  t.deepEqual(Object.keys(await etcd.entries()), [key]);
  t.deepEqual(lost(await load.end()), []);
  // The successor: it serves for another 30 s, and is found by nobody new.
  process.kill(successor, 'SIGTERM');
  await fleet.line(/^taken out of etcd/, seen);
  await etcd.until();
  t.is(fleet.lines.filter((line) => line.msg.startsWith('etcd does not answer')).length, 1);
});

const title =
  'three machines in a real etcd of three: a dead one is forgotten, a draining one at once, and an outage harms nobody';
const lacks = process.getuid?.() === 0 ? undefined : 'network namespaces need root';
if (lacks === undefined)
  registered(title, async (t) => {
    t.timeout(60_000);
    const script = path.join(root, 'bench/registry.mjs');
    const [code, out, err] = await new Promise<readonly [unknown, string, string]>((resolve) => {
      const child = execFile(process.execPath, [script, '--short'], (error, ...said) =>
        resolve([error?.code ?? 0, ...said]),
      );
      t.teardown(() => child.kill('SIGKILL'));
    });
    t.is(code, 0, `${err}\n${out}`);
    t.log(out.trim());
  });
else if (process.env['CI'] === undefined) test.skip(`${title} (not run: ${lacks})`, (t) => t.pass());
else test(title, (t) => t.fail(lacks));
