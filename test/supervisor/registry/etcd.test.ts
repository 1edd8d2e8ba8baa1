// The registration in a real etcd: what happens when it dies, forgets, asks for a password, or speaks TLS.
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { ExecutionContext } from 'ava';
import { Etcd } from '../../../supervisor/registry/etcd.js';
import type { EtcdOptions } from '../../../supervisor/registry/etcd-client.js';
import { privateFolder } from '../../support/control.js';
import { registered, startEtcd } from '../../support/etcd.js';
import { fixture } from '../../support/fleet.js';
import { inTime, until } from '../../support/until.js';

const options = (endpoints: readonly string[], change: Partial<EtcdOptions> = {}): EtcdOptions => ({
  endpoints,
  prefix: '/services',
  ttlMs: 2000,
  user: undefined,
  passwordFile: undefined,
  ca: undefined,
  cert: undefined,
  key: undefined,
  ...change,
});

const KEY = '/services/api/10.0.0.5:3000';

function register(t: ExecutionContext, given: EtcdOptions) {
  const said: string[] = [];
  const waiting = new Set<() => void>();
  const etcd = new Etcd(given, 'api/10.0.0.5:3000', (level, text) => {
    said.push(`${level}: ${text}`);
    for (const look of waiting) look();
  });
  t.teardown(() => etcd.abandon());
  const heard = (matching: RegExp): Promise<void> =>
    inTime(
      `the registration says ${matching}`,
      new Promise((resolve) => {
        const look = (): void => {
          if (said.some((text) => matching.test(text))) resolve();
        };
        waiting.add(look);
        look();
      }),
    );
  return { etcd, said, heard };
}

/** Until the reason is this one: on a busy machine the first is that no answer came in time, and only the first is told. */
async function refusedFor(t: ExecutionContext, why: RegExp, given: EtcdOptions): Promise<void> {
  let reason = '';
  await until(
    () => `etcd refuses with ${why}; it said: ${reason}`,
    async () => {
      const { etcd, said, heard } = register(t, given);
      etcd.hold('1');
      await heard(/^warn/);
      etcd.abandon();
      reason = said.join('\n');
      return why.test(reason);
    },
    0,
  );
}

registered('an entry is written, changed, and taken out at once', async (t) => {
  const server = await startEtcd(t);
  // The first of the servers does not answer.
  const { etcd, said } = register(t, options(['http://127.0.0.1:1', server.endpoint], { ttlMs: 15_000 }));
  etcd.hold('{"weight":100}');
  await etcd.settled(10_000);
  t.deepEqual(await server.entries(), { [KEY]: '{"weight":100}' });
  etcd.hold('{"weight":50}');
  await etcd.settled(10_000);
  t.deepEqual(await server.entries(), { [KEY]: '{"weight":50}' });
  etcd.hold(undefined);
  await etcd.settled(10_000);
  t.deepEqual(await server.entries(), {});
  t.deepEqual(said, [`info: registered in etcd as ${KEY}`, `info: taken out of etcd: ${KEY}`]);
});

registered(
  'an etcd that dies, and one that has forgotten everything, has the entry again; both are told once',
  async (t) => {
    const server = await startEtcd(t);
    const { etcd, said, heard } = register(t, options([server.endpoint], { ttlMs: 6000 }));
    etcd.hold('1');
    await server.until(KEY);
    await server.kill(true);
    await heard(/^warn/);
    await server.start();
    await server.until(KEY);
    await heard(/etcd answers again/);
    t.is(said.length, 3, said.join('\n'));
    t.regex(said[1] ?? '', /^warn: etcd does not answer \(127\.0\.0\.1:\d+: .*\), and forgets \S+ 6 s after/);
  },
);

registered('a lease that is not renewed ends the entry; a stop that cannot be told keeps nobody waiting', async (t) => {
  const server = await startEtcd(t);
  const { etcd } = register(t, options([server.endpoint]));
  etcd.hold('1');
  await server.until(KEY);
  process.kill(server.pid, 'SIGSTOP');
  etcd.hold(undefined);
  const begun = performance.now();
  await etcd.settled(200);
  t.true(performance.now() - begun < 5000);
  etcd.abandon();
  process.kill(server.pid, 'SIGCONT');
  await server.until();
});

registered(
  'with a user and a password: a token that ran out is followed by another; a wrong password is told',
  async (t) => {
    const server = await startEtcd(t);
    const file = path.join(privateFolder(t), 'password');
    await writeFile(file, 'wrong\n');
    for (const [at, body] of [
      ['/v3/auth/user/add', { name: 'root', password: 'geheim' }],
      ['/v3/auth/role/add', { name: 'root' }],
      ['/v3/auth/user/grant', { user: 'root', role: 'root' }],
      ['/v3/auth/enable', {}],
    ] as const)
      await server.post(at, body);
    await server.authenticate('root', 'geheim');
    const given = options([server.endpoint], { user: 'root', passwordFile: file, ttlMs: 6000 });
    await refusedFor(t, /^warn: .*authentication failed, invalid user ID or password/, given);
    await writeFile(file, 'geheim\n');
    const { etcd, said } = register(t, given);
    etcd.hold('1');
    await server.until(KEY);
    // Tokens do not outlive the server, unless it learns them again from its log, as after a SIGKILL.
    await server.stop();
    await server.start();
    await server.authenticate('root', 'geheim');
    etcd.hold('2');
    // An outage that nobody has noticed is not told.
    await until('etcd has the changed entry', async () => (await server.entries())[KEY] === '2');
    t.false(said.join().includes('geheim'));
  },
);

registered('by https: a certificate that is not trusted is refused, one that is named is trusted', async (t) => {
  const certificate = fixture('process/certificate.pem');
  const server = await startEtcd(t, { certificate, key: fixture('process/key.pem') });
  await refusedFor(t, /^warn: .*certificate/, options([server.endpoint]));
  t.deepEqual(await server.entries(), {});
  const { etcd } = register(t, options([server.endpoint], { ca: certificate }));
  etcd.hold('1');
  await etcd.settled(10_000);
  t.deepEqual(await server.entries(), { [KEY]: '1' });
});
