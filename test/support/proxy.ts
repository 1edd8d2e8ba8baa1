// HAProxy and nginx for a test, with the configurations of contrib/, on ports of their own.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { root } from './fleet.js';
import { until } from './until.js';

/** A test that needs this program; where it is missing the title says so, but never in CI. */
export function proxied(program: string, title: string, story: (t: ExecutionContext) => Promise<void>): void {
  const file = `/usr/sbin/${program}`;
  try {
    accessSync(file, constants.X_OK);
    test.serial(title, story);
  } catch {
    if (process.env['CI'] === undefined) test.skip(`${title} (not run: ${file} is not there)`, story);
    else test(title, (t) => t.fail(`${file} is not there`));
  }
}

/** Free at this moment. */
export async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function started(t: ExecutionContext, child: ChildProcess, port: number): Promise<void> {
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text: Buffer) => (said += text.toString()));
  t.teardown(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    // Both end at once, and take their own processes with them.
    child.kill('SIGTERM');
    await once(child, 'exit');
  });
  await until(`somebody listens at port ${port}`, async () => {
    if (child.exitCode !== null) throw new Error(`it ended: ${said}`);
    const socket = net.connect(port, '127.0.0.1');
    const open = await new Promise<boolean>((done) =>
      socket.once('connect', () => done(true)).once('error', () => done(false)),
    );
    socket.destroy();
    return open;
  });
}

/** The one of contrib/, between these ports, in a folder of its own. */
export function nginxConfig(port: number, upstream: number): string {
  const ours = readFileSync(path.join(root, 'contrib/nginx/nginx.conf'), 'utf8')
    .replace('server 127.0.0.1:3000;', `server 127.0.0.1:${upstream};`)
    .replace('listen 80;', `listen 127.0.0.1:${port} backlog=1024;`);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${name};`);
  return `daemon off; worker_processes 1; pid nginx.pid; error_log error.log warn; ${process.getuid?.() === 0 ? 'user root;' : ''}
events { worker_connections 1024; }
http { access_log off; ${temporary.join(' ')} keepalive_requests 1000000;
${ours} }`;
}

/** What the one of contrib/ reads from the environment. */
export function haproxyEnvironment(
  port: number,
  stats: string,
  servers: Readonly<Record<'a' | 'b', { readonly port: number; readonly agent: number }>>,
): Readonly<Record<string, string>> {
  const ofServers = Object.entries(servers).flatMap(([name, { port: at, agent }]) => [
    [`SERVER_${name.toUpperCase()}`, `127.0.0.1:${at}`],
    [`AGENT_${name.toUpperCase()}_HOST`, '127.0.0.1'],
    [`AGENT_${name.toUpperCase()}_PORT`, String(agent)],
  ]);
  return { ...Object.fromEntries(ofServers), BIND: `127.0.0.1:${port}`, STATS_SOCKET: stats };
}

export async function startNginx(t: ExecutionContext, upstream: number): Promise<number> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'cordon-nginx-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const port = await freePort();
  await writeFile(path.join(folder, 'nginx.conf'), nginxConfig(port, upstream));
  const args = ['-p', folder, '-c', 'nginx.conf', '-e', 'error.log'];
  await started(t, spawn('/usr/sbin/nginx', args, { stdio: ['ignore', 'pipe', 'pipe'] }), port);
  return port;
}

export interface HAProxy {
  readonly port: number;
  /** Status and weight of a server as HAProxy has them: `UP 100`. */
  state(server: string): Promise<string>;
  until(server: string, state: RegExp): Promise<void>;
  /** Connections that a server was given so far. */
  sessions(server: string): Promise<number>;
}

export async function startHAProxy(
  t: ExecutionContext,
  servers: Readonly<Record<'a' | 'b', { readonly port: number; readonly agent: number }>>,
): Promise<HAProxy> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'cordon-haproxy-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const port = await freePort();
  const stats = path.join(folder, 's');
  const child = spawn('/usr/sbin/haproxy', ['-db', '-f', path.join(root, 'contrib/haproxy/haproxy.cfg')], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...haproxyEnvironment(port, stats, servers) },
  });
  await started(t, child, port);
  // Put in its place once everything else listens.
  await until('HAProxy can be asked', () => existsSync(stats));
  const fieldsOf = async (server: string): Promise<string[]> => {
    const socket = net.connect(stats).setEncoding('utf8');
    let csv = '';
    socket.on('data', (text: string) => (csv += text));
    socket.end('show stat\n');
    await once(socket, 'close');
    const row = csv.split('\n').find((line) => line.startsWith(`fleet,${server},`)) ?? '';
    return row.split(',');
  };
  const state: HAProxy['state'] = async (server) => {
    const fields = await fieldsOf(server);
    return `${fields[17]} ${fields[18]}`;
  };
  return {
    port,
    state,
    sessions: async (server) => Number((await fieldsOf(server))[7]),
    until: async (server, wanted) => {
      const end = performance.now() + 20_000;
      for (;;) {
        const now = await state(server);
        if (wanted.test(now)) return;
        if (performance.now() > end) throw new Error(`${server} is ${now}, not ${wanted}`);
        await sleep(50);
      }
    },
  };
}
