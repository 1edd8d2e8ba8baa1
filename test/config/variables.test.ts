import { join } from 'node:path';
import test from 'ava';
import { folderOf, loaded, loading, refused } from '../support/config.js';

const yaml = (text: string, more: Readonly<Record<string, string>> = {}): Record<string, string> => ({
  'cordon.config.yaml': `script: server.js\n${text}`,
  ...more,
});

test('the order of variables, the weakest first: envFile, a later envFile, env, env of the mode, flags', async (t) => {
  const names = ['A', 'B', 'C', 'D', 'E'];
  const all = (from: number, value: string): string =>
    names
      .slice(from)
      .map((name) => `${name}=${value}\n`)
      .join('');
  const files = yaml('envFile: [one.env, two.env]\nenv: { C: env, D: env, E: env }\nenv.live: { D: mode, E: mode }\n', {
    'one.env': all(0, 'one'),
    'two.env': all(1, 'two'),
  });
  const { env, secrets } = await loaded(t, { files, mode: 'live', flags: { env: ['E=flag'] } });
  t.deepEqual(env, { A: 'one', B: 'two', C: 'env', D: 'mode', E: 'flag' });
  t.deepEqual(secrets, ['A', 'B']);
});

test('an envFile of the command line stands in for that of the file, and wins over its env', async (t) => {
  const files = yaml('envFile: file.env\nenv: { A: env, B: env }\n', {
    'file.env': 'C=file\n',
    'flag.env': 'A=flag\n',
  });
  const { env } = await loaded(t, { files, flags: { envFile: ['flag.env'] } });
  t.deepEqual(env, { A: 'flag', B: 'env' });
  const byVariable = await loaded(t, { files, environment: { CORDON_ENV_FILE: 'flag.env' } });
  t.deepEqual(byVariable.env, { A: 'flag', B: 'env' });
});

test('the mode comes from the flag, else CORDON_MODE, else NODE_ENV', async (t) => {
  const files = yaml('env.a: { MODE: a }\nenv.b: { MODE: b }\nenv.c: { MODE: c }\n');
  const environment = { CORDON_MODE: 'b', NODE_ENV: 'c' };
  t.is((await loaded(t, { files, environment, mode: 'a' })).env['MODE'], 'a');
  t.is((await loaded(t, { files, environment })).env['MODE'], 'b');
  t.is((await loaded(t, { files, environment: { NODE_ENV: 'c' } })).env['MODE'], 'c');
  t.deepEqual((await loaded(t, { files })).env, {});
});

test('what is wrong in an overlay is told in every mode, with its place', async (t) => {
  const files = yaml('env.live: { KEY: [a] }\nenv.test: 3\n');
  for (const mode of ['live', 'other']) {
    const [says] = await refused(t, { files, mode });
    t.deepEqual(
      says.map((line) => line.split(': expected')[0]),
      ['cordon.config.yaml:2:18: `env.live.KEY`', 'cordon.config.yaml:3:11: `env.test`'],
    );
  }
});

test('a mode that is one slip away from one that is there is told', async (t) => {
  const files = yaml('env.production: { A: 1 }\n');
  t.deepEqual(await refused(t, { files, mode: 'prodution' }), [
    ['--mode: nothing is called prodution here, did you mean production?'],
    64,
  ]);
});

test('a secret is read from its file, or from the credentials of systemd, without its last line break', async (t) => {
  const folder = folderOf(t, {
    ...yaml('env: { KEY: { file: secrets/key }, CERT: { file: secrets/cert }, DB: { credential: db } }\n'),
    'secrets/key': 'hunter2\n',
    'secrets/cert': 'one\ntwo\n\n',
    'credentials/db': 'hunter3\r\n',
  });
  const { env, secrets } = await loading(folder, {
    environment: { CREDENTIALS_DIRECTORY: join(folder, 'credentials') },
  });
  t.deepEqual(env, { KEY: 'hunter2', CERT: 'one\ntwo\n', DB: 'hunter3' });
  t.deepEqual(secrets, ['KEY', 'CERT', 'DB']);
});

test('a secret that is not there is told with its place, a slip in it by its line alone', async (t) => {
  const files = yaml(
    'envFile: vars.env\nenv:\n  KEY: { file: nowhere }\n  DB: { credential: db }\n  BAD: { fil: x }\n',
    {
      'vars.env': 'A=1\nhunter2\n',
    },
  );
  const [says, exitCode] = await refused(t, { files });
  t.deepEqual(says, [
    'cordon.config.yaml:4:8: `env.KEY`: <folder>/nowhere does not exist (looked for <folder>/nowhere)',
    'cordon.config.yaml:5:7: `env.DB`: no credential db: CREDENTIALS_DIRECTORY is not set; run under systemd with LoadCredential=',
    'cordon.config.yaml:6:8: `env.BAD`: expected a text, a number, a boolean, { "file": "/run/secrets/x" } or { "credential": "x" }, got an object',
    'vars.env:2: expected KEY=VALUE',
  ]);
  t.is(exitCode, 78);
});

test('a credential is a name, and leads nowhere else', async (t) => {
  for (const name of ['../db', '/etc/passwd', '..']) {
    const [says] = await refused(t, {
      files: yaml(`env: { DB: { credential: ${name} } }\n`),
      environment: { CREDENTIALS_DIRECTORY: '/nowhere' },
    });
    t.regex(
      says.join('\n'),
      /^cordon\.config\.yaml:2:26: `env\.DB\.credential`: expected the name of a credential, without "\/"/,
    );
  }
});

test('a variable is filled in where data asks for it, and is a number where one is wanted', async (t) => {
  const files = yaml(
    'name: ${APP}-${ZONE:-eu}\nworkers: ${COUNT}\nargs: ["${COUNT}", "$${COUNT}", "${EMPTY:-}"]\nenv: { ZIP: "${ZIP}" }\n',
  );
  const environment = { APP: 'api', COUNT: '3', ZIP: '007', EMPTY: '' };
  const { name, workers, args, env, secrets } = await loaded(t, { files, environment });
  t.like({ name, workers, args }, { name: 'api-eu', workers: 3, args: ['3', '${COUNT}', ''] });
  t.deepEqual(env, { ZIP: '007' });
  t.deepEqual(secrets, ['ZIP']);
});

test('what the environment filled in is not shown where it is wrong', async (t) => {
  const [says] = await refused(t, {
    files: yaml('name: ${TOKEN}\nlogs: { level: "${LEVEL}" }\n'),
    environment: { TOKEN: 'hunter 2', LEVEL: 'hunter3' },
  });
  t.is(says.length, 2);
  t.notRegex(says.join('\n'), /hunter/);
});

test('code has the environment at hand, and its texts are left as they are', async (t) => {
  const files = {
    'cordon.config.mjs': 'export default { script: "server.js", args: ["${A}"], name: process.env.NAME }',
  };
  const { args, name } = await loaded(t, { files, environment: { A: '1', NAME: 'api' } });
  t.like({ args, name }, { args: ['${A}'], name: 'api' });
});
