import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { folderOf, loaded, loading, refused } from '../support/config.js';

// The fixtures are beside dist: they import `cordon/config` as an operator's file does.
const fixtures = fileURLToPath(new URL('../../../test/fixtures/config/formats', import.meta.url));

const written = {
  name: 'taeglich-api',
  script: join(fixtures, 'server.mjs'),
  nodeArgs: [],
  args: ['--greeting', 'hello, wörld', 'on', '007'],
  env: { PORT: '3000', DEBUG: 'false', RATIO: '0.5', EMPTY: '', MULTI: 'a\nb', 'odd.name': '${NOT_FILLED}' },
  workers: 2,
  listen: [{ host: '127.0.0.1', port: 3000 }, { host: undefined, port: 4000 }, { path: join(fixtures, 'api.sock') }],
  ready: { on: 'message', timeoutMs: 1_500 },
  fault: { killTimeoutMs: 10_000 },
  restart: {
    backoff: { minMs: 1_000, maxMs: 30_000, factor: 2, jitter: 0 },
    intensity: { restarts: 10, withinMs: 60_000 },
  },
  logs: { format: 'json', level: 'warn' },
};

const names = [
  ...['ts', 'mts', 'mjs', 'js', 'cjs', 'json', 'yaml', 'yml'].map((ending) => `cordon.config.${ending}`),
  'manifest/package.json',
];
for (const file of names) {
  test(`${file} gives the config that every other format gives`, async (t) => {
    const { cwd, ...config } = await loading(fixtures, {
      file,
      mode: 'quiet',
      environment: { LEVEL: 'warn' },
    });
    t.like(config, written);
    t.is(cwd, dirname(join(fixtures, file)));
  });
}

test('what a configuration imports is read anew each time', async (t) => {
  const at = folderOf(t, {
    'cordon.config.mjs': 'import { workers } from "./workers.mjs"; export default { script: "server.js", workers }',
    'workers.mjs': 'export const workers = 1',
  });
  t.is((await loading(at, {})).workers, 1);
  writeFileSync(join(at, 'workers.mjs'), 'export const workers = 2');
  t.is((await loading(at, {})).workers, 2);
});

test('the key of package.json is found by itself, and its places are those of the file', async (t) => {
  const files = { 'package.json': '{\n  "name": "x",\n  "cordon": {\n    "script": "server.js", "workers": 0 }\n}' };
  t.regex((await refused(t, { files }))[0][0] ?? '', /^package\.json:4:39: `workers`: expected/);
  const both = { ...files, 'cordon.config.yaml': 'script: server.js' };
  t.regex((await refused(t, { files: both }))[0][0] ?? '', /more than one configuration/);
  t.is((await loaded(t, { files: { 'package.json': '{"name": "x"}' }, script: 'server.js' })).workers, 4);
});

const syntax = 'enum Level { info = "info" }\nexport default { script: "server.js", logs: { level: Level.info } }';

test('TypeScript that no Node strips is read by jiti', async (t) => {
  const { logs } = await loaded(t, { files: { 'cordon.config.ts': syntax } });
  t.is(logs.level, 'info');
});

test('a mistake in TypeScript is told with its place in the file', async (t) => {
  const [says] = await refused(t, {
    files: { 'cordon.config.ts': 'const a: number = 1;\nthrow new Error(`no ${a}`);' },
  });
  t.is(says.length, 1);
  t.regex(
    says[0] ?? '',
    /^cordon\.config\.ts: threw while it was read: Error: no 1 \(<folder>\/cordon\.config\.ts:2:\d+\)$/,
  );
});

test('an alias and a merge of YAML are read, and their mistakes told where the anchor is', async (t) => {
  const text = 'script: server.js\nready: &slow\n  timeout: 90s\nfault: { killTimeout: 1s }\nstop:\n  <<: *slow\n';
  const { stop } = await loaded(t, { files: { 'cordon.config.yaml': text } });
  t.is(stop.timeoutMs, 90_000);
  const [says] = await refused(t, { files: { 'cordon.config.yaml': text.replace('90s', '90') } });
  t.deepEqual(
    says.map((line) => line.split(': expected')[0]),
    ['cordon.config.yaml:3:12: `ready.timeout`', 'cordon.config.yaml:3:12: `stop.timeout`'],
  );
});

test('every problem of a YAML file has its line and column', async (t) => {
  const text = 'script: server.js\nworkers: four\nfault:\n  killTimout: 3s\nlisten:\n  - 3000\n  - nonsense\n';
  const [says, exitCode] = await refused(t, { files: { 'cordon.config.yaml': text } });
  t.deepEqual(
    says.map((line) => line.split(': expected')[0]),
    [
      'cordon.config.yaml:2:10: `workers`',
      'cordon.config.yaml:4:3: unknown key `fault.killTimout`, did you mean `killTimeout`?',
      'cordon.config.yaml:7:5: `listen[1]`',
    ],
  );
  t.is(exitCode, 78);
});

test('where jiti is missing and Node needs it, the sentence says what to do', async (t) => {
  const dist = fileURLToPath(new URL('../../', import.meta.url));
  const at = folderOf(t, { 'cordon.config.ts': syntax, 'package.json': '{"type": "module", "version": "0.0.0"}' });
  for (const folder of ['cli', 'config', 'supervisor', 'worker'])
    cpSync(join(dist, folder), join(at, 'dist', folder), { recursive: true });
  mkdirSync(join(at, 'node_modules'));
  for (const name of ['commander', 'valibot', 'yaml']) {
    symlinkSync(join(dist, '../node_modules', name), join(at, 'node_modules', name));
  }
  const { code, err } = await new Promise<{ code: number | null; err: string }>((resolve) => {
    const child = execFile(
      process.execPath,
      [join(at, 'dist/cli/main.js'), 'start'],
      { cwd: at, env: {} },
      (_error, _out, text) => resolve({ code: child.exitCode, err: text }),
    );
  });
  t.is(code, 78);
  t.regex(
    err,
    /^cordon: cordon\.config\.ts: (?:TypeScript needs Node 22\.18 or later, or the package jiti|TypeScript enum is not supported in strip-only mode; write it without, or `npm install jiti`)/,
  );
});

test('a file that is data is read however slow the machine is to start its reader', async (t) => {
  const files = { 'cordon.config.yaml': 'script: server.js\nworkers: 3\n' };
  t.is((await loaded(t, { files, deadlineMs: 0 })).workers, 3);
});
