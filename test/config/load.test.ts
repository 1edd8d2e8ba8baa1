import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { folderOf, loaded, loading, refused } from '../support/config.js';

const json = (value: unknown): Record<string, string> => ({ 'cordon.config.json': JSON.stringify(value, null, 2) });

test('a script alone runs with every default', async (t) => {
  const { folder, ...config } = await loaded(t, { script: 'server.js' });
  t.deepEqual(config, {
    name: 'server',
    script: join(folder, 'server.js'),
    args: [],
    cwd: folder,
    nodeArgs: [],
    env: {},
    secrets: [],
    workers: 4,
    handOver: true,
    balance: true,
    listen: [],
    standby: 0,
    ready: { on: 'listening', timeoutMs: 30_000, quorum: 'all' },
    boot: { concurrency: 4 },
    reload: { surge: 1, canary: false, bakeMs: 30_000, maxErrorRatio: 2, rollback: true },
    health: { beatMs: 1000, hangMs: 10_000, onHang: 'free' },
    limits: { memory: undefined, heap: undefined, requests: undefined, lifetimeMs: undefined, jitter: 0.1 },
    fault: { killTimeoutMs: 30_000 },
    restart: {
      backoff: { minMs: 100, maxMs: 30_000, factor: 2, jitter: 0.2 },
      intensity: { restarts: 10, withinMs: 60_000 },
      giveUp: undefined,
    },
    stop: {
      timeoutMs: 30_000,
      lingerMs: 5_000,
      delayMs: 0,
      closeSpreadMs: 5_000,
      drain: 'requests',
      signal: undefined,
    },
    control: { socket: undefined, mode: 0o600, readers: undefined, watchConfig: false },
    metrics: { listen: [] },
    logs: {
      mode: 'pipe',
      format: 'json',
      level: 'info',
      file: undefined,
      rotate: { size: undefined, keep: 5 },
      access: false,
      accessFile: undefined,
    },
    pidFile: undefined,
    before: { command: [], timeoutMs: 600_000 },
    recycle: { schedule: undefined, timeZone: undefined },
    watch: { program: false, paths: [], ignore: [], debounceMs: 150, release: undefined },
    after: [],
    errors: { ...config.errors, dir: undefined, keepMs: 30 * 86_400_000 },
    user: undefined,
    group: undefined,
    agent: { listen: [] },
    registry: {
      address: '',
      weight: 100,
      etcd: {
        endpoints: [],
        prefix: '/services',
        ttlMs: 15_000,
        user: undefined,
        passwordFile: undefined,
        ca: undefined,
        cert: undefined,
        key: undefined,
      },
    },
    hooks: { onIncident: undefined },
  });
});

test('the book of errors: its folder is found from the folder of the file, names are in lower case, and what is wrong is said', async (t) => {
  const errors = { dir: './book', keep: '90d', redact: ['X-Secret'] };
  const { folder, ...config } = await loaded(t, { files: json({ script: 'server.js', errors }) });
  t.deepEqual(config.errors, { dir: join(folder, 'book'), keepMs: 90 * 86_400_000, redact: ['x-secret'] });
  const wrong = { errors: { keep: '1s', redact: ['a b'] }, hooks: { onIncident: 'ftp://user:secret@host' } };
  const [says] = await refused(t, { files: json({ script: 'server.js', ...wrong }) });
  t.is(says.length, 3);
  t.regex(says.join(), /errors\.keep`: expected a time of at least 1m, got "1s"/);
  t.regex(
    says.join(),
    /onIncident`: expected a command as a list, such as .*, or an http or https address, got a string/,
  );
  t.false(says.join().includes('secret'));
});

test('a command that comes first, what is watched and what the clock does: paths from the folder of the file, and what is wrong is said', async (t) => {
  const written = {
    script: 'server.js',
    before: { command: ['node', 'migrate.js'] },
    recycle: { schedule: '0 4 * * *', timeZone: 'Europe/Berlin' },
    watch: { paths: ['views'], release: 'current' },
  };
  const file = 'sub/cordon.config.json';
  const at = (config: object) => ({ files: { [file]: JSON.stringify(config), 'sub/server.js': '' }, file });
  const { folder, before, recycle, watch } = await loaded(t, at(written));
  t.deepEqual(before, { command: ['node', 'migrate.js'], timeoutMs: 600_000 });
  t.deepEqual(recycle, written.recycle);
  t.like(watch, { program: false, paths: [`${folder}/sub/views`], release: `${folder}/sub/current` });
  t.deepEqual((await loaded(t, at({ script: 'server.js', before: ['a b'] }))).before.command, ['a b']);

  const wrong: Record<string, object> = {
    '`recycle.schedule`: expected a schedule in the syntax of cron, such as "0 4 * * *", got "every day"': {
      schedule: 'every day',
    },
    '`recycle.schedule`: expected a schedule in the syntax of cron, such as "0 4 * * *", got "61 * * * *" (Invalid value for minute: 61)':
      { schedule: '61 * * * *' },
    '`recycle.schedule`: expected a schedule that comes round, got "0 0 31 2 *", which never does': {
      schedule: '0 0 31 2 *',
    },
    '`recycle.timeZone`: expected a time zone such as "Europe/Berlin", got "Europe/Berln"': {
      schedule: '@daily',
      timeZone: 'Europe/Berln',
    },
  };
  for (const [says, part] of Object.entries(wrong)) {
    const [[line = ''], exitCode] = await refused(t, at({ script: 'server.js', recycle: part }));
    t.is(line.replace(/^\S+ /, ''), says);
    t.is(exitCode, 78);
  }
  const [[line = '']] = await refused(t, at({ script: 'server.js', before: 'node migrate.js' }));
  t.regex(line, /`before`: expected a command as a list of words, .* got "node migrate\.js"$/);
});

test('a hook is a command or an address', async (t) => {
  for (const onIncident of [['./notify', '--now'], 'https://example.org/hook?key=1']) {
    const { hooks } = await loaded(t, { files: json({ script: 'server.js', hooks: { onIncident } }) });
    t.deepEqual(hooks.onIncident, onIncident);
  }
});

test('flags win over the environment, and the environment over the file', async (t) => {
  const { name, workers, fault, stop } = await loaded(t, {
    files: json({
      script: 'server.js',
      name: 'file',
      workers: 1,
      fault: { killTimeout: '1s' },
      stop: { timeout: '9s' },
    }),
    environment: { CORDON_NAME: 'environment', CORDON_WORKERS: '2', CORDON_KILL_TIMEOUT: '2s', WEB_CONCURRENCY: '7' },
    flags: { name: 'flags' },
  });
  t.like({ name, workers }, { name: 'flags', workers: 2 });
  t.is(fault.killTimeoutMs, 2_000);
  t.is(stop.timeoutMs, 9_000);
});

test('variables of file and flags are put together', async (t) => {
  const files = json({ script: 'server.js', env: { A: 'file', B: 1, C: true } });
  const { env } = await loaded(t, { files, flags: { env: ['A=flags=x', 'D='], port: '3000' } });
  t.deepEqual(env, { A: 'flags=x', B: '1', C: 'true', D: '', PORT: '3000' });
});

test('WEB_CONCURRENCY says how many workers there are where nobody else does', async (t) => {
  t.is((await loaded(t, { script: 'server.js', environment: { WEB_CONCURRENCY: '3' } })).workers, 3);
  t.is((await loaded(t, { script: 'server.js', environment: { WEB_CONCURRENCY: '' } })).workers, 4);
});

test('workers are counted in numbers and in shares of the cores, and are never none', async (t) => {
  const counts = { max: 4, 'max-1': 3, 'max-9': 1, '50%': 2, '10%': 1, '200%': 8, 7: 7 };
  for (const [workers, count] of Object.entries(counts)) {
    t.is((await loaded(t, { script: 'server.js', flags: { workers } })).workers, count, workers);
  }
});

test('a path begins where it was written: in its file, or where the operator stands', async (t) => {
  const written = { script: './app/server.js', cwd: 'app', listen: ['./api.sock', 'unix:/run/x.sock', 80] };
  const files = { 'deploy/cordon.config.json': JSON.stringify(written), 'deploy/app/server.js': '' };
  const { folder, ...config } = await loaded(t, { files, file: 'deploy/cordon.config.json' });
  t.is(config.script, join(folder, 'deploy/app/server.js'));
  t.is(config.cwd, join(folder, 'deploy/app'));
  t.deepEqual(config.listen, [
    { path: join(folder, 'deploy/api.sock') },
    { path: '/run/x.sock' },
    { host: undefined, port: 80 },
  ]);
  const over = await loaded(t, {
    files,
    file: 'deploy/cordon.config.json',
    script: 'server.js',
    flags: { listen: ['./a.sock'] },
  });
  t.is(over.script, join(over.folder, 'server.js'));
  t.deepEqual(over.listen, [{ path: join(over.folder, 'a.sock') }]);
});

test('without a cwd of its own, a file runs its script from its own folder', async (t) => {
  const files = { 'deploy/cordon.config.json': '{"script": "../server.js"}' };
  const { folder, cwd } = await loaded(t, { files, file: 'deploy/cordon.config.json' });
  t.is(cwd, join(folder, 'deploy'));
});

test('a default yields to what was said', async (t) => {
  const { stop, restart } = await loaded(t, {
    script: 'server.js',
    flags: { stopTimeout: '1s' },
    environment: { CORDON_RESTART_BACKOFF_MIN: '2m' },
  });
  t.like(stop, { timeoutMs: 1_000, lingerMs: 1_000, closeSpreadMs: 500 });
  t.like(restart.backoff, { minMs: 120_000, maxMs: 120_000 });
});

test('the log is for people on a terminal, and for programs elsewhere', async (t) => {
  t.is((await loaded(t, { script: 'server.js', terminal: true })).logs.format, 'pretty');
  t.is((await loaded(t, { script: 'server.js', terminal: true, flags: { logFormat: 'json' } })).logs.format, 'json');
});

test('one run tells everything that is wrong with a file, from top to bottom, each with line and column', async (t) => {
  const text = `{
  "script": "./server.js",
  "workers": "four",
  "fault": { "killTimout": "30s" },
  "killTimeout": "3s",
  "restart": { "backoff": { "min": "40s", "max": "1s" } },
  "stop": { "timeout": "5s", "linger": "6s" },
  "listen": [3000, ":3000"],
  "ready": { "timeout": 30 }
}`;
  t.deepEqual(await refused(t, { files: { 'cordon.config.json': text } }), [
    [
      'cordon.config.json:3:14: `workers`: expected a whole number from 1 to 1024, "max", "max-1" or a share such as "50%", got "four"',
      'cordon.config.json:4:14: unknown key `fault.killTimout`, did you mean `killTimeout`?',
      'cordon.config.json:5:3: unknown key `killTimeout`, did you mean `fault.killTimeout`?',
      'cordon.config.json:6:36: `restart.backoff.min`: expected at most restart.backoff.max (1s), got 40s',
      'cordon.config.json:7:40: `stop.linger`: expected less than stop.timeout (5s), got 6s',
      'cordon.config.json:8:20: `listen[1]`: expected each address once, got the same as listen[0]',
      'cordon.config.json:9:25: `ready.timeout`: expected a time with its unit, such as "500ms", "30s" or "2m", got 30',
    ],
    78,
  ]);
});

test('problems of file, environment and flags are told together, each by its own name', async (t) => {
  const [says, exitCode] = await refused(t, {
    files: { 'cordon.config.mjs': 'export default { script: "server.js", workers: 0, logs: { levle: "info" } }' },
    environment: { WEB_CONCURRENCY: 'many', CORDON_KILL_TIMOUT: '1s' },
    flags: { killTimeout: '30 bananas', port: '70000' },
  });
  t.deepEqual(
    says.map((line) => line.split(', expected')[0]?.split(' expected')[0]),
    [
      'cordon.config.mjs: `workers`:',
      'cordon.config.mjs: unknown key `logs.levle`, did you mean `level`?',
      'CORDON_KILL_TIMOUT: unknown variable, did you mean CORDON_KILL_TIMEOUT?',
      'WEB_CONCURRENCY:',
      '--kill-timeout:',
      '--port:',
    ],
  );
  t.is(exitCode, 78);
});

test('a key that every object inherits is as unknown as any other', async (t) => {
  const [says] = await refused(t, { files: json({ script: 'server.js', constructor: 1, stop: { toString: 2 } }) });
  t.regex(says.join('\n'), /unknown key `constructor`.*\n.*unknown key `stop\.toString`/);
});

test('a mistake in a file is told even where a flag overrides it', async (t) => {
  const [says] = await refused(t, { files: json({ script: 'server.js', workers: -1 }), flags: { workers: '2' } });
  t.is(says.length, 1);
});

test('a value under env is never shown', async (t) => {
  const files = json({ script: 'server.js', env: { TOKEN: ['hunter2'], KEY: 'hunter2\0' } });
  const [says] = await refused(t, { files, flags: { env: ['hunter2'] } });
  t.is(says.length, 3);
  t.notRegex(says.join('\n'), /hunter2/);
});

test('variables of a platform that only look like ours are left alone', async (t) => {
  const environment = {
    CORDON_PORT: 'tcp://10.0.0.1:80',
    CORDON_SERVICE_HOST: '10.0.0.1',
    CORDON_WORKER: '3',
    CORDON_NAME: 'outer',
  };
  t.is((await loaded(t, { script: 'server.js', environment })).name, 'server');
});

test('a script that leads nowhere is named with its nearest neighbour', async (t) => {
  t.deepEqual(await refused(t, { script: 'servr.js' }), [
    ['script: servr.js does not exist (looked for <folder>/servr.js), did you mean server.js?'],
    64,
  ]);
  t.deepEqual(await refused(t, { files: json({ script: 'server' }) }), [
    ['cordon.config.json:2:13: `script`: server does not exist (looked for <folder>/server), did you mean server.js?'],
    78,
  ]);
});

test('a script that is a link to what is gone names what it leads to', async (t) => {
  const folder = folderOf(t, {});
  symlinkSync('releases/41/server.js', join(folder, 'current.js'));
  await t.throwsAsync(loading(folder, { script: 'current.js' }), {
    message: `script: current.js is a link to releases/41/server.js, which does not exist (looked at ${folder}/current.js)`,
  });
});

test('a folder is no script, and its package says which file is', async (t) => {
  const files = { 'app/package.json': '{"main": "lib/index.js"}' };
  t.deepEqual(await refused(t, { files, script: 'app' }), [
    ['script: app is a folder; expected a script, such as app/lib/index.js'],
    64,
  ]);
});

test('nothing to run is said, with what to do', async (t) => {
  t.deepEqual(await refused(t, {}), [
    ['nothing to run: name a script, as in `cordon start server.js`, or write a cordon.config.mjs that does'],
    64,
  ]);
  t.deepEqual(await refused(t, { files: json({}) }), [
    ['cordon.config.json:1:1: `script`: missing; say which script to run, such as "./server.js"'],
    78,
  ]);
});

test('of two configurations none is chosen in silence', async (t) => {
  const files = { ...json({ script: 'server.js' }), 'cordon.config.mjs': 'export default {}' };
  const [says, exitCode] = await refused(t, { files });
  t.regex(says.join('\n'), /more than one configuration \(cordon\.config\.json, cordon\.config\.mjs\); keep one/);
  t.is(exitCode, 78);
});

test('options of node with which it would not run the script are refused', async (t) => {
  for (const nodeArgs of ['-e', '--eval=1', '--check', '--test', '-h', 'server2.js', '--watch-path=x']) {
    const [says] = await refused(t, { script: 'server.js', flags: { nodeArgs: [nodeArgs] } });
    t.regex(says.join('\n'), /^--node-args: expected/, nodeArgs);
  }
  const { nodeArgs } = await loaded(t, {
    script: 'server.js',
    flags: { nodeArgs: ['-r ./x.cjs', '--enable-source-maps'] },
  });
  t.deepEqual(nodeArgs, ['-r', './x.cjs', '--enable-source-maps']);
});

test('a configuration is found by its name, with a byte order mark or without', async (t) => {
  for (const [name, text] of Object.entries({
    'cordon.config.js': 'module.exports = { script: "server.js", workers: 3 }',
    'cordon.config.cjs': 'module.exports = Promise.resolve({ script: "server.js", workers: 3, name: undefined })',
    'cordon.config.json': '\uFEFF{ "$schema": "x", "script": "server.js", "workers": 3 }',
    'cordon.config.yml': '\uFEFFscript: server.js\nworkers: 3\n',
  })) {
    const { workers, script, folder } = await loaded(t, { files: { [name]: text } });
    t.deepEqual({ workers, script }, { workers: 3, script: join(folder, 'server.js') });
  }
});

test('the log: paths are from the folder of the file, sizes are bytes, and the environment may say all of it', async (t) => {
  const { logs, folder } = await loaded(t, {
    files: {
      'cordon.config.json': JSON.stringify({
        script: './server.js',
        logs: { file: 'log/a.log', rotate: { size: '100MB' }, access: 'combined', accessFile: '../access.log' },
      }),
    },
    environment: { CORDON_LOG_ROTATE_KEEP: '2', CORDON_LOG_MODE: 'inherit', CORDON_LOG_ACCESS: 'json' },
  });
  t.deepEqual(logs, {
    mode: 'inherit',
    format: 'json',
    level: 'info',
    file: `${folder}/log/a.log`,
    rotate: { size: 100_000_000, keep: 2 },
    access: 'json',
    accessFile: `${folder.replace(/\/[^/]+$/, '')}/access.log`,
  });
});

test('a file for an access log that is off, and sizes and formats that are none, are refused', async (t) => {
  const [says] = await refused(t, {
    files: {
      'cordon.config.json': JSON.stringify({
        script: './server.js',
        logs: { rotate: { size: '10kB', keep: 0 }, access: 'apache', mode: 'pipes' },
      }),
    },
  });
  const text = says.join('\n');
  t.regex(text, /`logs\.rotate\.size`: expected a size of at least 1MB/);
  t.regex(text, /`logs\.rotate\.keep`: expected a whole number from 1 to 1000/);
  t.regex(text, /`logs\.access`: expected false, "common", "combined" or "json"/);
  t.regex(text, /`logs\.mode`: expected "pipe" or "inherit"/);
  const [alone] = await refused(t, { script: 'server.js', environment: { CORDON_LOG_ACCESS_FILE: 'a.log' } });
  t.regex(alone.join('\n'), /expected `logs\.access` beside it/);
});

const withPassword = (value: object) => ({ ...json({ script: 'server.js', ...value }), password: 'geheim\n' });

test('a registry is told an address that clients can reach: the one that is given, or one that is listened on', async (t) => {
  const etcd = { endpoints: ['http://10.0.0.1:2379'], passwordFile: './password', user: 'api' };
  const { folder, registry } = await loaded(t, {
    files: withPassword({ listen: ['10.0.0.5:3000'], registry: { etcd } }),
  });
  t.like(registry, { address: '10.0.0.5:3000', weight: 100 });
  t.like(registry.etcd, { endpoints: etcd.endpoints, ttlMs: 15_000, passwordFile: join(folder, 'password') });
  const named = await loaded(t, { files: withPassword({ registry: { address: 'web1:80', etcd } }) });
  t.is(named.registry.address, 'web1:80');
  const everywhere = await loaded(t, { files: withPassword({ listen: [':3000'], registry: { etcd } }) });
  t.regex(everywhere.registry.address, /^[^:]+:3000$/);
  const [nowhere] = await refused(t, { files: withPassword({ registry: { etcd } }) });
  t.regex(nowhere.join(), /endpoints`: expected `registry\.address` beside it, or a port in `listen`, got neither/);
  const wrong = { address: ':3000', etcd: { ...etcd, endpoints: ['http://user:pw@host:1/x'], ca: './no.pem' } };
  const [says] = await refused(t, { files: withPassword({ registry: wrong }) });
  t.is(says.length, 3, says.join('\n'));
  t.regex(says.join('\n'), /registry\.address`: expected an address that clients can reach/);
  t.regex(says.join('\n'), /endpoints\[0\]`: expected an address such as .* without a path or a login/);
  t.false(says.join().includes('pw'));
  t.regex(says.join('\n'), /no\.pem does not exist/);
});

test('a quorum is all, a number or a share', async (t) => {
  for (const quorum of ['all', 3, '50%']) {
    const config = await loaded(t, { files: json({ script: 'server.js', ready: { quorum } }) });
    t.is(config.ready.quorum, quorum as never);
  }
  for (const quorum of [0, '0%', '101%', 'most', 1.5]) {
    const [says] = await refused(t, { files: json({ script: 'server.js', ready: { quorum } }) });
    t.regex(says.join(), /quorum`: expected "all", a whole number from 1 to 1024, or a share such as "50%"/);
  }
});
