// The units that `cordon systemd` writes, at work in a real systemd.
import { INSTANCE, serviceUnit, socketUnit, type UnitWish } from '../../cli/systemd/unit.js';
import { APP, boot, boxed, NODE } from '../support/box.js';

const wish: UnitWish = {
  name: 'web',
  node: NODE,
  cordon: `${APP}/dist/cli/main.js`,
  start: [`${APP}/test/fixtures/process/busy.mjs`, '--name', 'web', '--workers', '2', '--listen', '127.0.0.1:80'],
  folder: `${APP}/test`,
  version: 252,
  user: undefined,
  group: undefined,
  ofUser: false,
  listen: [{ host: '127.0.0.1', port: 80 }],
  lowPort: false,
  written: [],
  readyMs: 30_000,
  stopMs: 30_000,
};

boxed(
  'the hardened unit runs, restarts and is upgraded under load on port 80, as a user that systemd made',
  async (t) => {
    const unit = serviceUnit(wish).replace('[Service]', '[Service]\nEnvironment=PORT=80');
    const box = await boot(t, { 'web.service': unit, 'web.socket': socketUnit(wish) ?? '' });
    t.like(await box.systemctl('start', 'web'), { code: 0 });
    t.regex(await box.show('web', 'StatusText'), /^2\/2 ready/);
    const load = box.load('80', 4);
    await load.more(50);
    t.like(await box.systemctl('restart', 'web'), { code: 0 });
    await load.more(50);
    const main = await box.show('web', 'MainPID');
    await box.systemctl('kill', '--kill-whom=main', '-s', 'USR2', 'web');
    await box.until('web', 'MainPID', new RegExp(`^(?!${main}$)[1-9]`));
    await box.until('web', 'StatusText', /^2\/2 ready/);
    await load.more(50);
    t.like(await box.systemctl('stop', 'web'), { code: 0 });
    t.is(await box.show('web', 'Result'), 'success');
    t.like(await box.systemctl('start', 'web'), { code: 0 });
    await load.more(50);
    t.deepEqual(Object.keys(await load.end()), ['200']);
    const owner = await box.run('sh', '-c', 'stat -c %U /proc/$(systemctl show -p MainPID --value web)');
    t.not(owner.stdout.trim(), 'root');
    t.like(await box.systemctl('stop', 'web'), { code: 0 });
  },
);

boxed('install writes, enables and starts; uninstall leaves nothing; foreign units are left alone', async (t) => {
  const box = await boot(t, { 'mine.service': '[Service]\nExecStart=/bin/true\n' });
  const cordon = (...args: string[]) => box.run(NODE, `${APP}/dist/cli/main.js`, 'systemd', ...args);
  const config = `${APP}/test/fixtures/systemd/cordon.config.json`;
  const installed = await cordon('install', config, '--now');
  t.is(installed.code, 0, installed.stderr);
  t.is(await box.show('web.socket', 'ActiveState'), 'active');
  t.is(await box.show('web.service', 'UnitFileState'), 'enabled');
  t.like(await box.systemctl('is-active', 'web'), { stdout: 'active\n' });
  t.like(await cordon('install', config, '-n', 'mine'), { code: 73 });
  t.like(await cordon('uninstall', 'mine'), { code: 73 });
  const gone = await cordon('uninstall', 'web');
  t.is(gone.code, 0, gone.stderr);
  t.like(await box.run('sh', '-c', 'ls /etc/systemd/system | grep web'), { stdout: '' });
  t.is(await box.show('web', 'LoadState'), 'not-found');
  t.like(await cordon('uninstall', 'web'), { code: 69 });
});

boxed('two instances of the template run the fleets of their folders, each by its name', async (t) => {
  const template = { ...wish, name: INSTANCE, start: ['--name', INSTANCE], folder: `/srv/${INSTANCE}`, listen: [] };
  const box = await boot(t, { 'cordon@.service': serviceUnit(template) });
  for (const [name, port] of [['api', '8081'] as const, ['my-shop', '8082'] as const]) {
    const config = JSON.stringify({ script: `${APP}/test/fixtures/process/busy.mjs`, workers: 1, env: { PORT: port } });
    await box.run('sh', '-c', `mkdir -p /srv/${name} && echo '${config}' >/srv/${name}/cordon.config.json`);
    const started = await box.systemctl('start', `cordon@${name}`);
    t.is(started.code, 0, await box.journal(`cordon@${name}`));
    t.is(await box.show(`cordon@${name}`, 'StatusText'), '1/1 ready, generation 1');
    const load = box.load(port, 1);
    await load.more(10);
    t.deepEqual(Object.keys(await load.end()), ['200']);
  }
  t.like(await box.systemctl('reload', 'cordon@my-shop'), { code: 0 });
  t.is(await box.show('cordon@my-shop', 'StatusText'), '1/1 ready, generation 2');
  t.is(await box.show('cordon@api', 'StatusText'), '1/1 ready, generation 1');
  const status = await box.run(NODE, `${APP}/dist/cli/main.js`, 'status', 'my-shop');
  t.is(status.code, 0, status.stderr);
  t.like(await box.systemctl('stop', 'cordon@api', 'cordon@my-shop'), { code: 0 });
});

boxed(
  'a unit of a user starts, reloads, restarts, is upgraded and leaves nothing, in a systemd of that user',
  async (t) => {
    const home = '/var/lib/home';
    const manager = `[Service]
Type=notify
User=www-data
Delegate=yes
RuntimeDirectory=user/33
RuntimeDirectoryMode=0700
StateDirectory=home
Environment=XDG_RUNTIME_DIR=/run/user/33 HOME=${home}
ExecStart=/lib/systemd/systemd --user
KillMode=mixed
`;
    const box = await boot(t, { 'manager.service': manager });
    t.like(await box.systemctl('start', 'manager'), { code: 0 });
    const asUser = ['setpriv', '--reuid=33', '--regid=33', '--clear-groups', 'env', `HOME=${home}`];
    const run = (...command: string[]) => box.run(...asUser, 'XDG_RUNTIME_DIR=/run/user/33', ...command);
    const systemctl = async (...words: string[]): Promise<string> => {
      const { code, stdout, stderr } = await run('systemctl', '--user', ...words);
      t.is(code, 0, `${words.join(' ')}: ${stderr}${await box.journal('manager')}`);
      return stdout;
    };
    const cordon = async (...words: string[]): Promise<void> => {
      const { code, stderr } = await run(NODE, `${APP}/dist/cli/main.js`, ...words);
      t.is(code, 0, `${words.join(' ')}: ${stderr}`);
    };
    const shows = async (what: string) => (await systemctl('show', '-p', what, '--value', 'web')).trim();
    await cordon('systemd', 'install', '--user', '--now', `${APP}/test/fixtures/systemd/cordon.config.json`);
    t.is(await shows('StatusText'), '2/2 ready, generation 1');
    const load = box.load('8080', 2);
    await load.more(20);
    await systemctl('reload', 'web');
    t.is(await shows('StatusText'), '2/2 ready, generation 2');
    await systemctl('restart', 'web');
    await load.more(20);
    const main = await shows('MainPID');
    await cordon('upgrade', 'web');
    while ((await shows('MainPID')) === main) await load.more(1);
    await load.more(20);
    t.deepEqual(Object.keys(await load.end()), ['200']);
    t.is(await shows('NRestarts'), '0');
    await cordon('systemd', 'uninstall', '--user', 'web');
    t.is(await shows('LoadState'), 'not-found');
  },
);
