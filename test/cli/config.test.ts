// `cordon check`, `cordon diff`, `cordon init`: what is done with a configuration without running it.
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { command, folderOf } from '../support/config.js';

test('check says that nothing is wrong, and what there is', async (t) => {
  const folder = folderOf(t, { 'cordon.config.yaml': 'script: server.js\nname: api\n' });
  t.deepEqual(await command(folder, ['check']), {
    code: 0,
    out: 'cordon.config.yaml: nothing is wrong (api)\n',
    err: '',
  });
  const apps = 'apps: [{ name: api, script: server.js, after: [db] }, { name: db, script: server.js }]';
  const several = await command(folderOf(t, { 'x.yaml': apps }), ['check', 'x.yaml']);
  t.is(several.out, 'x.yaml: nothing is wrong (2 apps, db, api)\n');
});

test('check says everything that is wrong, exits 78, and runs nothing', async (t) => {
  const folder = folderOf(t, {
    'cordon.config.yaml': 'script: server.js\nworkers: 0\nfault: { killTimout: 1s }\n',
    'server.js': 'require("node:fs").writeFileSync("ran", "")',
  });
  const { code, out, err } = await command(folder, ['check']);
  t.is(code, 78);
  t.is(out, '');
  t.deepEqual(
    err.split('\n').map((line) => line.split(', ')[0]?.split(': expected')[0]),
    [
      'cordon: cordon.config.yaml:2:10: `workers`',
      'cordon: cordon.config.yaml:3:10: unknown key `fault.killTimout`',
      '',
    ],
  );
  t.throws(() => readFileSync(join(folder, 'ran')), { code: 'ENOENT' });
});

test('check gives its answer as JSON, good or bad', async (t) => {
  const folder = folderOf(t, { 'a.yaml': 'script: server.js\n', 'b.yaml': 'script: server.js\nworkers: 0\n' });
  const good = await command(folder, ['check', 'a.yaml', '--json']);
  t.deepEqual([good.code, JSON.parse(good.out)], [0, { version: 1, problems: [], notes: [], apps: ['server'] }]);
  const bad = await command(folder, ['check', 'b.yaml', '--json']);
  t.is(bad.code, 78);
  t.regex((JSON.parse(bad.out) as { problems: string[] }).problems.join('\n'), /^b\.yaml:2:10: `workers`: expected/);
});

test('check without a configuration says what to do', async (t) => {
  const { code, err } = await command(folderOf(t), ['check']);
  t.is(code, 64);
  t.regex(err, /^cordon: no configuration in this folder: .*`cordon init` writes one\n$/);
});

test('diff says what each change takes, and shows no variable', async (t) => {
  const folder = folderOf(t, {
    'old.yaml': 'script: server.js\nenv: { A: hunter2 }\n',
    'cordon.config.yaml': 'script: server.js\nenv: { A: hunter3 }\nworkers: 2\nstop: { timeout: 1m }\n',
  });
  const { code, out, err } = await command(folder, ['diff', 'old.yaml', 'cordon.config.yaml'], {
    env: { WEB_CONCURRENCY: '1' },
  });
  t.is(err, '');
  t.is(code, 0);
  t.is(
    out.replace(/^ +live +workers.*\n/m, ''),
    'server: would be reloaded, worker by worker\n  live     stop.timeout               30s → 1m\n  reload   env.A                      changed\n',
  );
  t.is((await command(folder, ['diff', 'old.yaml', 'old.yaml'])).out, 'no difference\n');
});

test('diff gives its answer as JSON', async (t) => {
  const folder = folderOf(t, { 'a.yaml': 'script: server.js\n', 'b.yaml': 'script: server.js\nargs: [x]\n' });
  const { out } = await command(folder, ['diff', 'a.yaml', 'b.yaml', '--json']);
  const change = { key: 'args', takes: 'reload', what: 'changed', from: '[]', to: '["x"]' };
  t.deepEqual(JSON.parse(out), {
    version: 1,
    apps: [{ app: 'server', what: 'changed', takes: 'reload', changes: [change] }],
  });
});

const files = ['cordon.config.mjs', 'cordon.config.cjs', 'cordon.config.js', 'cordon.config.ts', 'cordon.config.yaml'];
for (const file of files) {
  test(`init writes a ${file} that says what cordon does without it`, async (t) => {
    const [folder, bare] = [folderOf(t), folderOf(t, { 'bare.json': '{ "script": "server.js" }' })];
    const { code, err } = await command(folder, ['init', file]);
    t.deepEqual({ code, err }, { code: 0, err: '' });
    t.is((await command(folder, ['check'])).out, `${file}: nothing is wrong (server)\n`);
    if (file.endsWith('.yaml')) return;
    // Every key, with the mark that it begins with taken away.
    const text = readFileSync(join(folder, file), 'utf8');
    const all = text.replace(/^( *)\/\/(?! [^ ])/gm, '$1');
    t.true(all.split('\n').filter((line) => /^ +\w+: /.test(line)).length > 25);
    writeFileSync(join(folder, file), all);
    writeFileSync(join(folder, 'bare.json'), readFileSync(join(bare, 'bare.json')));
    const { out, err: wrong } = await command(folder, ['diff', 'bare.json', file]);
    t.deepEqual({ out, wrong }, { out: 'no difference\n', wrong: '' });
  });
}

test('init overwrites nothing, and writes no second configuration', async (t) => {
  const folder = folderOf(t, { 'cordon.config.mjs': 'mine' });
  const again = await command(folder, ['init']);
  t.deepEqual([again.code, again.err], [73, 'cordon: cordon.config.mjs is there already; move it away first\n']);
  const other = await command(folder, ['init', 'cordon.config.yaml']);
  t.is(other.code, 73);
  t.regex(other.err, /cordon\.config\.mjs is there already; two configurations in one folder are refused/);
  t.is(readFileSync(join(folder, 'cordon.config.mjs'), 'utf8'), 'mine');
  t.is((await command(folder, ['init', 'x.json'])).code, 64);
});

test('init names the script that is there', async (t) => {
  const folder = folderOf(t, { 'package.json': '{"main": "lib/api.js"}', 'lib/api.js': '' });
  await command(folder, ['init']);
  t.regex(readFileSync(join(folder, 'cordon.config.mjs'), 'utf8'), /^ {2}script: '\.\/lib\/api\.js',$/m);
});

test('init imports defineConfig where cordon is among the packages of the project', async (t) => {
  const folder = folderOf(t, { 'node_modules/x': '' });
  symlinkSync(fileURLToPath(new URL('../../../', import.meta.url)), join(folder, 'node_modules', 'cordon'));
  await command(folder, ['init']);
  t.regex(
    readFileSync(join(folder, 'cordon.config.mjs'), 'utf8'),
    /^import \{ defineConfig \} from 'cordon\/config';\n/,
  );
  t.is((await command(folder, ['check'])).out, 'cordon.config.mjs: nothing is wrong (server)\n');
});
