// Behind a real nginx and a real HAProxy that keep their connections, as a service that is reloaded and restarted while requests fail all
// the time: nobody hears a 502, 503 or 504. `npm run proxies` does it with 100,000 requests.
import type { ExecutionContext } from 'ava';
import { APP, type Box, type BoxLoad, boot, boxed, CORDON, NODE } from '../support/box.js';
import { haproxyEnvironment, nginxConfig } from '../support/proxy.js';

const REQUESTS = Number(process.env['PROXIES_REQUESTS'] ?? 600);
const FULL = process.env['PROXIES_REQUESTS'] !== undefined;
const RELOADS = FULL ? 5 : 2;
const RESTARTS = FULL ? 2 : 1;
const FAULT_EVERY_MS = 100;
const CLIENTS = FULL ? 24 : 8;

/** A machine of its own, as far as a proxy can tell: a socket, a service, an agent. */
const machine = (name: string, port: number, agent: number): Record<string, string> => ({
  [`${name}.socket`]: `[Socket]\nListenStream=127.0.0.1:${port}\nFileDescriptorName=http\n`,
  [`${name}.service`]: `[Unit]
Requires=${name}.socket
After=${name}.socket
[Service]
Type=notify
NotifyAccess=all
Environment=PORT=${port} CORDON_AGENT_LISTEN=127.0.0.1:${agent}
ExecStart=${CORDON} start -n ${name} -w 2 ${APP}/test/fixtures/process/busy.mjs
ExecReload=${CORDON} reload ${name}
RuntimeDirectory=cordon/${name}
RuntimeDirectoryMode=0700
DynamicUser=yes
KillMode=mixed
WatchdogSec=30
`,
});

/** What is done, in this order, with as many requests between two of them as make up the sum. */
async function through(
  t: ExecutionContext,
  load: BoxLoad,
  steps: readonly (readonly [what: string, does: () => Promise<unknown>])[],
): Promise<void> {
  const between = Math.ceil(REQUESTS / (steps.length + 1));
  const begun = performance.now();
  for (const [what, does] of steps) {
    await load.more(between);
    const since = performance.now();
    await does();
    if (FULL) t.log(`${what} took ${Math.round(performance.now() - since)} ms`);
  }
  await load.more(between);
  const { 200: answered = 0, 'fault 500': faults = 0, ...others } = await load.end();
  t.log(`${answered} answered, ${faults} faults, ${Math.round((performance.now() - begun) / 1000)} s`);
  t.deepEqual(others, {});
  t.true(answered >= REQUESTS && faults > 0);
}

const order = (t: ExecutionContext, box: Box, what: string, unit: string) =>
  [`${what} ${unit}`, async () => t.like(await box.systemctl(what, unit), { code: 0 })] as const;

boxed('nginx: reloads, a fault each 100 ms and restarts of the service are no 502, 503 or 504', async (t) => {
  const box = await boot(t, {
    ...machine('web', 8081, 9001),
    'nginx.conf': nginxConfig(8080, 8081),
    'nginx.service':
      '[Service]\nType=exec\nRuntimeDirectory=nginx\nExecStart=/usr/sbin/nginx -p /run/nginx -c /etc/systemd/system/nginx.conf -e error.log\n',
  });
  t.like(await box.systemctl('start', 'web', 'nginx'), { code: 0 });
  await box.run('sh', '-c', 'until ss -ltn | grep -q 127.0.0.1:8080; do sleep 0.05; done');
  const load = box.visitors(8080, CLIENTS, FAULT_EVERY_MS);
  await through(t, load, [
    ...Array.from({ length: RELOADS }, () => order(t, box, 'reload', 'web')),
    ...Array.from({ length: RESTARTS }, () => order(t, box, 'restart', 'web')),
  ]);
});

boxed('HAProxy: reloads, a fault each 100 ms and restarts of either machine are no 502, 503 or 504', async (t) => {
  const servers = { a: { port: 8081, agent: 9001 }, b: { port: 8082, agent: 9002 } };
  const environment = Object.entries(haproxyEnvironment(8080, '/run/haproxy/stats', servers));
  const box = await boot(t, {
    ...machine('a', servers.a.port, servers.a.agent),
    ...machine('b', servers.b.port, servers.b.agent),
    'haproxy.service': `[Service]\nType=exec\nRuntimeDirectory=haproxy\n${environment.map(([key, value]) => `Environment=${key}=${value}\n`).join('')}ExecStart=/usr/sbin/haproxy -db -f ${APP}/contrib/haproxy/haproxy.cfg\n`,
  });
  t.like(await box.systemctl('start', 'a', 'b', 'haproxy'), { code: 0 });
  const isUp = (server: string) => async (): Promise<void> => {
    const script = `const ask = () => { let csv = ''; require('net').connect('/run/haproxy/stats').setEncoding('utf8').on('data', (text) => (csv += text)).on('error', () => {}).on('close', () => /^fleet,${server},(?:[^,]*,){15}UP,100,/m.test(csv) || setTimeout(ask, 50)).end('show stat\\n'); }; ask();`;
    await box.run(NODE, '-e', script);
  };
  await Promise.all([isUp('a')(), isUp('b')()]);
  const load = box.visitors(8080, CLIENTS, FAULT_EVERY_MS);
  await through(t, load, [
    ...Array.from({ length: RELOADS }, (_, turn) => order(t, box, 'reload', turn % 2 === 0 ? 'a' : 'b')),
    ...Array.from({ length: RESTARTS }, (_, turn) => {
      const name = turn % 2 === 0 ? 'a' : 'b';
      return [order(t, box, 'restart', name), [`${name} is up`, isUp(name)] as const];
    }).flat(),
  ]);
});
