import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { flagSource, type StartFlags } from '../../cli/start.js';
import type { Config } from '../../config/config.js';
import { OperatorError } from '../../config/exit-code.js';
import { load } from '../../config/load.js';

interface Wanted {
  readonly files?: Readonly<Record<string, string>>;
  readonly file?: string;
  readonly script?: string;
  readonly flags?: StartFlags;
  readonly environment?: Readonly<Record<string, string>>;
  readonly terminal?: boolean;
  readonly deadlineMs?: number;
}

/** A folder with a server.js and these files; a word for it stands in for its path. */
function folderOf(t: ExecutionContext, files: Readonly<Record<string, string>> = {}): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cordon-config-')));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries({ 'server.js': '', ...files })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

function loading(folder: string, { file, script, flags = {}, environment = {}, ...rest }: Wanted): Promise<Config> {
  const source = flagSource(flags, script, [], folder);
  return load({ file, flags: source, environment, folder, terminal: false, cores: 4, ...rest });
}

async function loaded(t: ExecutionContext, wanted: Wanted): Promise<Config & { folder: string }> {
  const folder = folderOf(t, wanted.files);
  return { ...(await loading(folder, wanted)), folder };
}

/** The sentences, and the exit code. */
async function refused(t: ExecutionContext, wanted: Wanted): Promise<readonly [says: string[], exitCode: number]> {
  const folder = folderOf(t, wanted.files);
  const error = await t.throwsAsync(loading(folder, wanted), { instanceOf: OperatorError });
  return [(error?.message ?? '').replaceAll(folder, '<folder>').split('\n'), error?.exitCode ?? -1];
}

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
    workers: 4,
    handOver: true,
    balance: true,
    listen: [],
    ready: { on: 'listening', timeoutMs: 30_000 },
    fault: { killTimeoutMs: 30_000 },
    restart: {
      backoff: { minMs: 100, maxMs: 30_000, factor: 2, jitter: 0.2 },
      intensity: { restarts: 10, withinMs: 60_000 },
    },
    stop: { timeoutMs: 30_000, lingerMs: 5_000, delayMs: 0, closeSpreadMs: 5_000, signal: undefined },
    logs: { format: 'json', level: 'info' },
  });
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

const good = {
  'cordon.config.mjs': 'export default { script: "server.js", workers: 3 }',
  'cordon.config.js': 'module.exports = { script: "server.js", workers: 3 }',
  'cordon.config.cjs': 'module.exports = Promise.resolve({ script: "server.js", workers: 3, name: undefined })',
  'cordon.config.json': '\uFEFF{ "$schema": "x", "script": "server.js", "workers": 3 }',
};

for (const [name, text] of Object.entries(good)) {
  test(`${name} is found and read`, async (t) => {
    const { workers, script, folder } = await loaded(t, { files: { [name]: text } });
    t.deepEqual({ workers, script }, { workers: 3, script: join(folder, 'server.js') });
  });
}

const bad: Record<string, readonly [text: string, says: RegExp]> = {
  throws: [
    'const a = 1;\nthrow new TypeError("no\\nway");',
    /: threw while it was read: TypeError: no way \(<folder>\/cordon\.config\.mjs:2:\d+\)$/,
  ],
  'throws null': ['throw null', /: threw null while it was read$/],
  'throws later': [
    'setTimeout(() => { throw new Error("late") }); export default new Promise(() => setInterval(() => {}, 9))',
    /late/,
  ],
  rejects: ['export default Promise.reject(new Error("no"))', /: threw while it was read: Error: no/],
  'has a syntax error': ['export default {', /: syntax error: /],
  'imports what is not there': ['import "./nowhere.mjs"', /Cannot find module/],
  'never returns': ['for (;;);', /: not read after 1s: it never returns/],
  'waits too long': ['setInterval(() => {}, 9); export default new Promise(() => {})', /: not read after 1s/],
  'never settles': ['export default new Promise(() => {})', /: the promise in it never settles$/],
  'calls process.exit': ['process.exit(0)', /: calls process\.exit\(0\)/],
  'kills its process': ['process.kill(process.pid, "SIGKILL")', /: ends the process that reads it \(SIGKILL\)$/],
  'exports nothing': ['export const script = "server.js"', /: no default export; write /],
  'exports null': ['export default null', /: expected an object, got null$/],
  'exports a function': ['export default () => ({})', /: exports a function; /],
  'holds what is no data': ['export default { env: new Map() }', /: `env`: expected plain data, got a Map$/],
  'contains itself': ['const a = {}; a.env = { a }; export default a', /: `env\.a`: contains itself$/],
};

for (const [title, [text, says]] of Object.entries(bad)) {
  test.serial(`a configuration that ${title} ends in one sentence`, async (t) => {
    const slow = title === 'never returns' || title === 'waits too long';
    const [lines, exitCode] = await refused(t, {
      files: { 'cordon.config.mjs': text },
      ...(slow && { deadlineMs: 1_000 }),
    });
    t.is(lines.length, 1);
    t.regex(lines[0] ?? '', /^cordon\.config\.mjs: /);
    t.regex(lines[0] ?? '', says);
    t.is(exitCode, 78);
  });
}

test('a configuration that cannot be read as a file says why', async (t) => {
  const files = {
    'folder.json/x': '',
    'cordon.config.yaml': '',
    'big.json': ' '.repeat(1024 * 1024 + 1),
    'server.mjs': '',
  };
  const expected = {
    'folder.json': /: is a folder; expected a file$/,
    'nowhere.json': /: does not exist/,
    'big.json': /: has 1048577 bytes; expected at most 1048576$/,
    'cordon.config.yaml': /: this version cannot read it; expected a \.mjs, \.js, \.cjs or \.json file$/,
  };
  for (const [file, says] of Object.entries(expected)) {
    const [lines, exitCode] = await refused(t, { files, file });
    t.is(lines.length, 1);
    t.regex(lines[0] ?? '', says);
    t.is(exitCode, 78);
  }
  // Found, and of no use: better said than passed over.
  const [lines] = await refused(t, { files, script: 'server.js' });
  t.regex(lines[0] ?? '', /^cordon\.config\.yaml: this version cannot read it/);
});
