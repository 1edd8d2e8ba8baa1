// pm2's ecosystem files: nothing in them is dropped in silence.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readConfig } from '../../config/file.js';
import { fromPm2 } from '../../config/pm2/convert.js';
import { rules } from '../../config/pm2/rules.js';
import { timeOf, wordsOf } from '../../config/pm2/values.js';
import { refused } from '../support/config.js';
import { fixture } from '../support/fleet.js';

const folder = fixture('pm2');

/** The fixtures, each of another shape, and the names of their apps. */
const files: Record<string, readonly string[]> = {
  'classic/ecosystem.config.cjs': ['api'],
  'comments/process.json': ['web'],
  'several/ecosystem.yaml': ['front', 'mail-queue', 'clock'],
  'bare/ecosystem.config.js': ['bare'],
  'list/ecosystem.config.mjs': ['list'],
  'camel/ecosystem.config.cjs': ['camel'],
  'graceful/ecosystem.config.cjs': ['graceful'],
  'logs/pm2.config.cjs': ['logs'],
  'restarts/ecosystem.config.json': ['restarts', 'delayed'],
  'computed/ecosystem.config.cjs': ['computed'],
  'rest/ecosystem.config.cjs': ['rest'],
};
const dump = 'dump/dump.pm2';

const read = async (file: string): Promise<unknown> => {
  const source = await readConfig(join(folder, file), {
    folder,
    environment: {},
    mode: undefined,
    deadlineMs: 10_000,
    pm2: true,
  });
  return source.value;
};

type App = Readonly<Record<string, unknown>>;
const appsIn = (given: unknown): readonly App[] => {
  const list = Array.isArray(given) ? given : ((given as { apps?: unknown }).apps ?? given);
  return (Array.isArray(list) ? list : [list]) as App[];
};

for (const [file, names] of Object.entries(files)) {
  test(`${file} is taken over whole: its apps, and a sentence for each key that is not`, async (t) => {
    const given = await read(file);
    const { value, notes, problems } = fromPm2(given);
    t.deepEqual(problems, []);
    t.deepEqual(
      value.apps.map(({ name }) => name),
      [...names],
    );
    // Without a key, either the result or what is said is another one, or the key said what holds anyway.
    const silent = appsIn(given).flatMap((app, i) =>
      Object.keys(app)
        .filter((key) => !['script', 'exec', 'name'].includes(key))
        .filter((key) => {
          const { [key]: _, ...less } = app;
          const without = fromPm2(appsIn(given).map((one, at) => (at === i ? less : one)));
          return (
            JSON.stringify(without.value) === JSON.stringify(value) &&
            notes.filter((note) => !without.notes.includes(note)).length === 0
          );
        })
        .map((key) => `${key}: ${JSON.stringify(app[key])}`),
    );
    const anyway =
      /^(?:(?:time|mergeLogs|combine_logs|windowsHide|treekill|force|disable_trace|autostart|autorestart): true|(?:disable_logs|disable_source_map_support|vizion|pmx|automation|trace|deep_monitoring|v8|event_loop_inspector|execute_command): false|namespace: "default"|interpreter: "node"|exec_mode: "cluster"|execMode: "cluster_mode"|instances: 1)$/;
    t.deepEqual(
      silent.filter((key) => !anyway.test(key)),
      [],
    );
  });
}

test('a dump is one app for each name, without what belongs to the session and to pm2', async (t) => {
  const { value, notes, problems } = fromPm2(await read(dump));
  t.deepEqual(problems, []);
  t.deepEqual(value.apps, [
    { name: 'dumped', script: '../server.cjs', cwd: '..', workers: 2, env: { ROLE: 'dumped' } },
  ]);
  const [noted = '', session = '', ...own] = notes;
  const state = 'axm_actions, axm_dynamic, axm_monitor, axm_options, created_at, exit_code, km_link, node_version, ';
  t.true(noted.startsWith(`what pm2 noted while it ran is not taken over: ${state}`));
  t.is(
    session,
    'variables of the session that started pm2 are not taken over: HOME, NODE_APP_INSTANCE, PATH, PM2_HOME, PM2_USAGE, SHELL, unique_id',
  );
  t.deepEqual(
    own.map((note) => note.split(' is ')[0]),
    ['pmx', 'vizion', 'automation', 'username', 'kill_retry_time'].map((key) => `dumped: \`${key}\``),
  );
});

test('the fixtures together hold every key that there is a rule for', async (t) => {
  const held = new Set<string>();
  for (const file of [...Object.keys(files), dump]) {
    const text = readFileSync(join(folder, file), 'utf8');
    for (const key of Object.keys(rules)) {
      const camel = key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
      if (new RegExp(`\\b(?:${key.replace('*', '\\w+')}|${camel})["']?:`).test(text)) held.add(key);
    }
  }
  // Under their other names.
  for (const key of ['out_file', 'error_file', 'log_file', 'pid_file', 'cron_restart', 'merge_logs', 'node_args'])
    held.add(key);
  t.deepEqual(
    Object.keys(rules).filter((key) => !held.has(key)),
    [],
  );
});

const taken: Record<string, readonly [app: App, value: App]> = {
  'every core': [{ instances: 0 }, { workers: 'max' }],
  'every core but two': [{ instances: -2 }, { workers: 'max-2' }],
  'a number as a text': [{ instances: '4' }, { workers: 4 }],
  'one, where nothing is said': [{ exec_mode: 'cluster' }, { workers: 1 }],
  'a script beside its cwd': [
    { instances: 1, cwd: './app', script: 'x.js' },
    { workers: 1, cwd: './app', script: 'app/x.js' },
  ],
  'an absolute script': [
    { instances: 1, cwd: '/srv', script: '/opt/x.js' },
    { workers: 1, cwd: '/srv', script: '/opt/x.js' },
  ],
  'a port': [
    { instances: 1, port: 80 },
    { workers: 1, env: { PORT: 80 } },
  ],
  'a kill timeout': [
    { instances: 1, kill_timeout: 1600 },
    { workers: 1, stop: { timeout: '1600ms' }, fault: { killTimeout: '1600ms' } },
  ],
  'a program that says when it is ready': [
    { instances: 1, wait_ready: true },
    { workers: 1, ready: { on: 'message' } },
  ],
  'a mode of its own': [
    { instances: 1, env_staging: { A: 1 } },
    { workers: 1, 'env.staging': { A: 1 } },
  ],
  'a schedule of restarts': [
    { instances: 1, cron_restart: '0 4 * * *' },
    { workers: 1, recycle: { schedule: '0 4 * * *' } },
  ],
  'a schedule that is switched off': [{ instances: 1, cron_restart: 0 }, { workers: 1 }],
  'everything watched': [
    { instances: 1, watch: true, cwd: 'app' },
    { workers: 1, script: 'app/server.js', cwd: 'app', watch: { program: true, paths: ['app'] } },
  ],
  'some of it watched, after a while': [
    { instances: 1, watch: ['lib', '/etc/x'], ignore_watch: ['lib/tmp', '**/*.md'], watch_delay: 500 },
    { workers: 1, watch: { program: true, paths: ['lib', '/etc/x'], ignore: ['lib/tmp'], debounce: '500ms' } },
  ],
  'nothing watched': [{ instances: 1, watch: false }, { workers: 1 }],
  'fork mode with a port': [
    { exec_mode: 'fork', env: { PORT: 1 } },
    { workers: 1, env: { PORT: 1 } },
  ],
  'fork mode without one': [{}, { workers: 1, ready: { on: 'start' } }],
};

for (const [title, [app, value]] of Object.entries(taken)) {
  test(`taken over: ${title}`, (t) => {
    const { value: got, problems } = fromPm2({ apps: [{ script: 'server.js', ...app }] });
    t.deepEqual(problems, []);
    t.deepEqual(got.apps[0], { script: 'server.js', ...value });
  });
}

const refusals: Record<string, readonly [app: App, says: RegExp]> = {
  'an interpreter other than node': [
    { interpreter: 'python3' },
    /^a: `interpreter`: expected node, got "python3"; cordon runs programs of node only/,
  ],
  'no interpreter': [{ interpreter: 'none' }, /^a: `interpreter`: expected node/],
  'a command': [{ script: 'npm', args: 'start' }, /^a: `script`: expected the file that its script starts, such as/],
  'a script of the shell': [{ script: './run.sh' }, /^a: `script`: expected a file that node runs/],
  'a number of workers that is none': [{ instances: 'many' }, /^a: `instances`: expected a whole number or "max"/],
  'a mode that is none': [{ exec_mode: 'threads' }, /^a: `exec_mode`: expected "cluster" or "fork", got "threads"/],
  'no script': [{ script: null }, /^a: `script` is missing$/],
};

for (const [title, [app, says]] of Object.entries(refusals)) {
  test(`refused with a sentence: ${title}`, async (t) => {
    const apps = [{ name: 'a', script: 'server.js', ...app }];
    const { problems, value } = fromPm2({ apps });
    t.is(problems.length, 1);
    t.regex(problems[0] ?? '', says);
    t.deepEqual(value.apps, []);
    const [lines, exitCode] = await refused(t, {
      files: { 'ecosystem.json': JSON.stringify({ apps }) },
      file: 'ecosystem.json',
    });
    t.is(lines[0], `ecosystem.json: ${problems[0] ?? ''}`);
    t.is(exitCode, 78);
  });
}

test('a variable that is no text, and a name that is no name, are told', (t) => {
  const { value, notes } = fromPm2({
    name: 'my api!',
    script: 'a.js',
    instances: 1,
    env: { A: 1, B: { c: 2 }, C: null },
  });
  t.deepEqual(value.apps[0], { name: 'my-api-', script: 'a.js', workers: 1, env: { A: 1 } });
  t.deepEqual(notes, [
    'my-api-: `name` becomes my-api-: a name is part of paths',
    'my-api-: `env` is taken over without B: a variable is a text',
  ]);
});

test('no value of a variable is in what is said', async (t) => {
  for (const file of [...Object.keys(files), dump]) {
    const { notes } = fromPm2(
      JSON.parse(JSON.stringify(await read(file)).replaceAll(/"ROLE":"\w+"/g, '"ROLE":"hunter2"')),
    );
    t.notRegex(notes.join('\n'), /hunter2/);
  }
});

test('arguments are split as a shell does it', (t) => {
  t.deepEqual(wordsOf(`-a "b c" --d='e f' g\\ h "i\\"j" ''`), ['-a', 'b c', '--d=e f', 'g h', 'i"j', '']);
  t.deepEqual(wordsOf(['a b', 3]), ['a b', '3']);
});

test('times are milliseconds, or a number and its unit', (t) => {
  t.deepEqual(['3000', 1600, 0, '5s', '2m', 'soon', -1].map(timeOf), [
    '3s',
    '1600ms',
    '0ms',
    '5s',
    '2m',
    undefined,
    undefined,
  ]);
});
