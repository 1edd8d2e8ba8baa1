// The whole life of a service under load, with the units that `cordon systemd` writes, in a real systemd. `npm run service` does the same
// ten times over.
import { serviceUnit, socketUnit, type UnitWish } from '../../cli/systemd/unit.js';
import { APP, type Box, type BoxLoad, boot, boxed, NODE } from '../support/box.js';

const TURNS = Number(process.env['SERVICE_TURNS'] ?? 1);
/** Requests of each kind of client between two steps. */
const BETWEEN = TURNS === 1 ? 30 : 500;

const wish: UnitWish = {
  name: 'web',
  node: NODE,
  cordon: `${APP}/dist/cli/main.js`,
  start: [`${APP}/test/fixtures/systemd/service.mjs`, '--name', 'web', '--workers', '2'],
  folder: `${APP}/test`,
  version: 252,
  user: undefined,
  group: undefined,
  ofUser: false,
  listen: [{ host: '127.0.0.1', port: 8080 }],
  lowPort: false,
  written: [],
  readyMs: 30_000,
  stopMs: 30_000,
};
const units = {
  'web.service': serviceUnit(wish)
    .replace('[Service]', '[Service]\nEnvironment=PORT=8080 RELEASE=/run/release')
    .replace('[Unit]', '[Unit]\nStartLimitIntervalSec=0')
    .replace(/^WatchdogSec=.*/m, 'WatchdogSec=2')
    .replace(/^TimeoutAbortSec=.*/m, 'TimeoutAbortSec=1')
    .replace(/^RestartSec=.*/m, 'RestartSec=100ms'),
  'web.socket': socketUnit(wish) ?? '',
};

const release = (box: Box, does: 'serve' | 'throw') => box.run('sh', '-c', `echo ${does} >/run/release`);

type Words = Readonly<Record<string, string>>;

/** `READY=1, STATUS=2/2 ready, generation 1`, as systemd logs it. What is said at the same moment comes in one message. */
const wordsOf = (message: string): Words =>
  Object.fromEntries(
    [...message.matchAll(/([A-Z_]+)=(.*?)(?=, [A-Z_]+=|$)/g)].map(([, name = '', value = '']) => [name, value]),
  );

type Ear = (enough: (said: readonly Words[]) => boolean) => Promise<Words[]>;

/** What systemd was told since the last time, without the pings, as soon as it is enough. It logs that at its level debug. */
function ear(box: Box): Ear {
  let heard = 0;
  return async (enough) => {
    for (const end = performance.now() + 20_000; ; ) {
      const only = ['-g', '^web.service: Got notif'];
      const { stdout } = await box.run('journalctl', '_PID=1', '-o', 'cat', '--no-pager', ...only);
      const all = [...stdout.matchAll(/^web\.service: Got notification message from PID \d+ \((.*)\)$/gm)];
      const said = all
        .slice(heard)
        .map(([, message = '']) => wordsOf(message))
        .filter((words) => Object.keys(words).some((name) => name !== 'WATCHDOG'));
      if (!enough(said) && performance.now() < end) continue;
      heard = all.length;
      return said;
    }
  };
}

const isReady = (said: readonly Words[]): boolean => said.at(-1)?.['READY'] === '1';
const stopped = (said: readonly Words[]): number => said.findIndex(({ STATUS }) => STATUS === 'stopped');

const statusIn = (said: readonly Words[]): string[] => said.flatMap(({ STATUS }) => STATUS ?? []);

const another = (main: string): RegExp => new RegExp(`^(?!${main}$)[1-9]`);

boxed(
  'reload, failed reload, restart, upgrade, stop: nobody is refused, nobody is lost, and the status is true',
  async (t) => {
    const box = await boot(t, units);
    const told = ear(box);
    await box.systemctl('log-level', 'debug');
    await release(box, 'serve');
    t.like(await box.systemctl('start', 'web.socket'), { code: 0 });
    // Nobody has started the service: its first client does.
    const loads: BoxLoad[] = [box.load('8080', 4), box.load('8080', 2, 'kept')];
    const more = () => Promise.all(loads.map((load) => load.more(BETWEEN)));
    await more();
    await box.until('web', 'ActiveState', /^active$/);
    const shows = async (status: string): Promise<void> => {
      t.true((await box.systemctl('status', 'web')).stdout.includes(`Status: "${status}"`), status);
    };

    let generation = 1;
    const serves = () => `2/2 ready, generation ${generation}`;
    const started = (said: readonly Words[]): void => {
      t.is(
        said.findIndex(({ READY }) => READY === '1'),
        said.length - 1,
        JSON.stringify(said),
      );
      t.is(said.at(-1)?.['STATUS'], serves());
      for (const status of statusIn(said)) t.regex(status, /^[012]\/2 ready, generation 1$/);
    };
    const reloaded = async (before: string): Promise<void> => {
      const said = await told(isReady);
      t.deepEqual(statusIn(said), [`${before}, reloading`, serves()], JSON.stringify(said));
      t.like(said[0], { RELOADING: '1' });
      t.regex(said[0]?.['MONOTONIC_USEC'] ?? '', /^\d+$/);
      t.like(said[1], { READY: '1' });
      await shows(serves());
      t.is(await box.show('web', 'ActiveState'), 'active');
    };
    /** What was said of a stop, and of the start behind it. */
    const stoppedAndStarted = async (): Promise<void> => {
      const said = await told((words) => stopped(words) >= 0 && isReady(words));
      const begun = said.findIndex(({ STOPPING }) => STOPPING === '1');
      // While another message is on its way, the second worker may leave.
      t.regex(said[begun]?.['STATUS'] ?? '', /^stopping: (?:2 workers|1 worker) left$/);
      generation = 1;
      started(said.slice(stopped(said) + 1));
    };
    started(await told(isReady));

    for (let turn = 0; turn < TURNS; turn++) {
      await more();
      const before = serves();
      generation++;
      t.like(await box.systemctl('reload', 'web'), { code: 0 });
      await reloaded(before);
      await more();

      await release(box, 'throw');
      const main = await box.show('web', 'MainPID');
      t.like(await box.systemctl('reload', 'web'), { code: 1 });
      await reloaded(serves());
      t.is(await box.show('web', 'MainPID'), main);
      t.regex(
        await box.journal('web'),
        /^cordon: web: it was not reloaded, and serves on as before: worker \d+ died before it was ready/m,
      );
      await release(box, 'serve');
      await more();

      t.like(await box.systemctl('restart', 'web'), { code: 0 });
      await stoppedAndStarted();
      await shows(serves());
      await more();

      const old = await box.show('web', 'MainPID');
      const upgraded = await box.run(NODE, wish.cordon, 'upgrade', 'web');
      t.is(upgraded.code, 0, upgraded.stderr);
      const next = await box.until('web', 'MainPID', another(old));
      await box.until('web', 'StatusText', /^2\/2 ready, generation 1$/);
      const follows = (said: readonly Words[]): boolean => said.some(({ MAINPID }) => MAINPID === next);
      t.true(follows(await told(follows)));
      await shows(serves());
      await more();

      // The socket is systemd's: whoever comes while the service stops has it started again.
      t.like(await box.systemctl('stop', 'web'), { code: 0 });
      await more();
      await box.until('web', 'ActiveState', /^active$/);
      await stoppedAndStarted();
    }

    const outcomes = await Promise.all(loads.map((load) => load.end()));
    t.log(...outcomes);
    for (const outcome of outcomes) t.deepEqual(Object.keys(outcome), ['200']);
    t.is(await box.show('web', 'NRestarts'), '0');
    t.like(await box.systemctl('stop', 'web.socket', 'web'), { code: 0 });
    t.is(await box.show('web', 'Result'), 'success');
    t.regex(await box.show('web', 'StatusText'), /^(?:stopped)?$/);
    const journal = await box.journal('web');
    const all = [...journal.matchAll(/"worker":\d+,"slot":\d+,"pid":(\d+),.*"event":"spawn"/g)].map(([, pid]) => pid);
    t.true(all.length === 2 + 9 * TURNS, `${all.length} workers`);
    t.deepEqual(
      all.filter((pid) => !journal.includes(`last word of ${pid}"`)),
      [],
    );
    t.is([...journal.matchAll(/stopped: no worker is left/g)].length, 3 * TURNS + 1);
  },
);

boxed(
  'stuck and ended by the watchdog, or killed with all its workers: nobody is refused, and what was open is all that is lost',
  async (t) => {
    const box = await boot(t, units);
    await release(box, 'serve');
    t.like(await box.systemctl('start', 'web.socket', 'web'), { code: 0 });
    const clients = 4;
    const load = box.load('8080', clients);
    for (let turn = 0; turn < TURNS; turn++) {
      await load.more(BETWEEN);
      let main = await box.show('web', 'MainPID');
      await box.systemctl('kill', '--kill-whom=main', '-s', 'STOP', 'web');
      // Its workers serve on, until systemd has lost its patience.
      await load.more(BETWEEN);
      main = await box.until('web', 'MainPID', another(main));
      await box.until('web', 'StatusText', /^2\/2 ready, generation 1$/);
      await load.more(BETWEEN);
      await box.systemctl('kill', '-s', 'KILL', 'web');
      await box.until('web', 'MainPID', another(main));
      await box.until('web', 'StatusText', /^2\/2 ready, generation 1$/);
      await load.more(BETWEEN);
    }
    const { 200: answered = 0, ...lost } = await load.end();
    t.log(`${answered} answered`, lost);
    t.deepEqual(
      Object.keys(lost).filter((how) => how !== 'ECONNRESET' && how !== 'body ECONNRESET'),
      [],
    );
    t.true(Object.values(lost).reduce((sum, count) => sum + count, 0) <= 2 * TURNS * clients);
    t.is(await box.show('web', 'NRestarts'), String(2 * TURNS));
    const journal = await box.journal('web');
    t.regex(journal, /^web\.service: Watchdog timeout \(limit 2s\)!$/m);
    t.regex(journal, /^web\.service: Main process exited, code=killed, status=9\/KILL$/m);
  },
);
