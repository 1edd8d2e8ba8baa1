// cordon as a service of a real systemd: what systemd is told is true, and what happens under load costs nobody anything.
import { APP, boot, boxed, CORDON } from '../support/box.js';

/** By the socket of systemd 253's OpenFile=, which a line of perl stands for on older ones; or by systemd-notify. */
const LAUNCH = `/usr/bin/perl -e 'use Socket; $$^F = 1000; socket($$s, AF_UNIX, SOCK_DGRAM, 0); connect($$s, pack_sockaddr_un($$ENV{NOTIFY_SOCKET})) or die; $$ENV{NOTIFY_FD} = fileno($$s); delete $$ENV{NOTIFY_SOCKET}; exec @ARGV' `;

const service = (more: string, { launch = '', args = '', unit = '' } = {}): string => `[Unit]
StartLimitIntervalSec=0
${unit}
[Service]
Type=notify
NotifyAccess=main
Environment=PORT=8080
ExecStart=${launch}${CORDON} start -n web -w 2 ${APP}/test/fixtures/process/busy.mjs ${args}
KillMode=mixed
Restart=on-failure
RestartSec=100ms
TimeoutStartSec=30
TimeoutStopSec=30
TimeoutAbortSec=1
${more}
`;

for (const [by, launch] of [
  ['systemd-notify', ''],
  ['an inherited socket', LAUNCH],
] as const) {
  boxed(`by ${by}: start returns when the fleet is ready, and the status is true until the stop`, async (t) => {
    const box = await boot(t, { 'web.service': service('WatchdogSec=3', { launch }) });
    t.like(await box.systemctl('start', 'web'), { code: 0 });
    t.is(await box.show('web', 'ActiveState'), 'active');
    t.is(await box.show('web', 'StatusText'), '2/2 ready, generation 1');
    const ofWorkers = await box.run('sh', '-c', 'cat $(grep -l CORDON_WORKER= /proc/[0-9]*/environ)');
    const variables = ofWorkers.stdout.split('\0');
    t.is(variables.filter((variable) => variable === 'CORDON_NAME=web').length, 2);
    t.deepEqual(
      variables.filter((variable) => /^(LISTEN|NOTIFY|WATCHDOG)_/.test(variable)),
      [],
    );
    const main = await box.show('web', 'MainPID');
    const load = box.load('8080', 2);
    await load.more(100);
    t.deepEqual(Object.keys(await load.end()), ['200']);
    // Two and a half times the watchdog's patience: the pings come.
    await box.run('sleep', '7.5');
    t.is(await box.show('web', 'MainPID'), main);
    t.is(await box.show('web', 'NRestarts'), '0');
    t.like(await box.systemctl('stop', 'web'), { code: 0 });
    t.is(await box.show('web', 'Result'), 'success');
    t.regex(await box.journal('web'), /stopped: no worker is left/);
    const program = await box.run('journalctl', '-u', 'web', '-t', 'web', '-o', 'cat', '--no-pager');
    t.regex(program.stdout, /port 8080/, 'what workers print has an identifier of its own');
    t.notRegex(program.stdout, /worker 1 is ready/);
    const info = await box.run('journalctl', '-u', 'web', '-t', 'node', '-p', 'warning', '--no-pager');
    t.notRegex(info.stdout, /worker 1 is ready/);
  });

  boxed(`by ${by}: three upgrades under load lose nothing, and systemd follows the main process`, async (t) => {
    const box = await boot(t, { 'web.service': service('WatchdogSec=3', { launch }) });
    t.like(await box.systemctl('start', 'web'), { code: 0 });
    const load = box.load('8080', 4);
    await load.more(50);
    let main = await box.show('web', 'MainPID');
    for (let turn = 0; turn < 3; turn++) {
      await box.systemctl('kill', '--kill-whom=main', '-s', 'USR2', 'web');
      main = await box.until('web', 'MainPID', new RegExp(`^(?!${main}$)[1-9]`));
      await box.until('web', 'StatusText', /^2\/2 ready/);
      await load.more(50);
    }
    // Its pings are heard.
    await box.run('sleep', '4');
    t.is(await box.show('web', 'MainPID'), main);
    t.deepEqual(Object.keys(await load.end()), ['200']);
    t.is(await box.show('web', 'NRestarts'), '0');
    // A main process that systemd does not take for its child is killed as soon as it has been told to stop.
    t.like(await box.systemctl('restart', 'web'), { code: 0 });
    t.notRegex(await box.journal('web'), /with signal SIGKILL|killed/);
    await box.systemctl('kill', '--kill-whom=main', '-s', 'KILL', 'web');
    await box.until('web', 'NRestarts', /^1$/);
    await box.until('web', 'StatusText', /^2\/2 ready/);
    t.like(await box.systemctl('stop', 'web'), { code: 0 });
  });
}

boxed('a unix socket of a socket unit survives restarts and upgrades', async (t) => {
  const box = await boot(t, {
    'web.socket': '[Socket]\nListenStream=/run/web/s\nFileDescriptorName=http\n',
    'web.service': service('Environment=SOCKET=/run/web/s', { args: '--listen systemd:http' }),
  });
  t.like(await box.systemctl('start', 'web.socket'), { code: 0 });
  const load = box.load('/run/web/s', 2);
  await load.more(50);
  t.like(await box.systemctl('restart', 'web'), { code: 0 });
  await load.more(50);
  const main = await box.show('web', 'MainPID');
  await box.systemctl('kill', '--kill-whom=main', '-s', 'USR2', 'web');
  await box.until('web', 'MainPID', new RegExp(`^(?!${main}$)[1-9]`));
  await load.more(50);
  t.like(await box.systemctl('restart', 'web'), { code: 0 });
  await load.more(50);
  t.deepEqual(Object.keys(await load.end()), ['200']);
});

boxed('a socket that no worker serves fails the start, with the reason in the status', async (t) => {
  const box = await boot(t, {
    'web.socket': '[Socket]\nListenStream=127.0.0.1:8080\nListenStream=127.0.0.1:8081\nFileDescriptorName=http\n',
    'web.service': service('RestartPreventExitStatus=64 78'),
  });
  t.like(await box.systemctl('start', 'web.socket'), { code: 0 });
  t.not((await box.systemctl('start', 'web')).code, 0);
  await box.until('web', 'ActiveState', /^failed$/);
  t.is(await box.show('web', 'ExecMainStatus'), '78');
  t.regex(await box.journal('web'), /hands over 127\.0\.0\.1:8081 \(http\), and no worker listens there/);
  t.regex(await box.show('web', 'StatusText'), /127\.0\.0\.1:8081 \(http\), and no worker listens there/);
});

boxed('a start that fails says why, in the status and as an errno', async (t) => {
  const box = await boot(t, { 'web.service': service('Restart=no', { args: '--listen 127.0.0.1:8080' }) });
  void box.run('/opt/node', '-e', 'require("net").createServer().listen(8080, "127.0.0.1")');
  await box.run('sh', '-c', 'until ss -ltn | grep -q :8080; do sleep 0.05; done');
  t.not((await box.systemctl('start', 'web')).code, 0);
  await box.run('journalctl', '--sync');
  t.regex(await box.show('web', 'StatusText'), /the address is taken \(EADDRINUSE\)/);
  t.is(await box.show('web', 'StatusErrno'), '98');
  t.is(await box.show('web', 'ExecMainStatus'), '73');
  const errors = await box.run('journalctl', '-u', 'web', '-p', 'err', '-t', 'node', '-o', 'cat', '--no-pager');
  t.regex(errors.stdout, /^cordon: cannot listen on 127\.0\.0\.1:8080: the address is taken/m);
});

boxed('a boot and a stop that take longer than the unit says are waited for, since cordon says so', async (t) => {
  const unit = service('', { args: '--config /run/cordon.config.json' })
    .replace(/^TimeoutStartSec=.*$/m, 'TimeoutStartSec=6')
    .replace(/^TimeoutStopSec=.*$/m, 'TimeoutStopSec=3');
  const box = await boot(t, { 'web.service': unit });
  await box.run(
    'sh',
    '-c',
    `echo '{ "before": ["sleep", "9"], "ready": { "timeout": "6s" } }' >/run/cordon.config.json`,
  );
  t.like(await box.systemctl('start', 'web'), { code: 0 });
  const ask = `fetch('http://127.0.0.1:8080/slow?ms=6000').then(({ status }) => console.log(status))`;
  const open = box.run('/opt/node', '-e', ask);
  await box.run('sh', '-c', 'until ss -tn state established | grep -q :8080; do sleep 0.05; done');
  t.like(await box.systemctl('stop', 'web'), { code: 0 });
  t.is((await open).stdout, '200\n');
  t.is(await box.show('web', 'Result'), 'success');
});
