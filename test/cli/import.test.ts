// `cordon import`: what comes out of it is what pm2's file is started as.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { command, folderOf, loadedApps } from '../support/config.js';
import { fixture } from '../support/fleet.js';

const files = ['classic/ecosystem.config.cjs', 'several/ecosystem.yaml', 'graceful/ecosystem.config.cjs'];
for (const file of files) {
  for (const output of ['cordon.config.mjs', 'cordon.config.json', 'cordon.config.yaml']) {
    test(`${file} as ${output} says what it says by itself`, async (t) => {
      const [from = '', name = ''] = file.split('/');
      const folder = folderOf(t, { 'server.cjs': '', 'queue.cjs': '' });
      mkdirSync(join(folder, from));
      writeFileSync(join(folder, file), readFileSync(fixture(`pm2/${file}`)));
      const imported = await command(join(folder, from), ['import', name, '--output', `../${output}`]);
      t.is(imported.code, 0, imported.err);
      t.is(imported.out, '');
      const [a, b] = [
        await command(folder, ['diff', join(from, name), output]),
        await command(folder, ['diff', join(from, name), output, '--mode', 'production']),
      ];
      t.deepEqual([a.out, b.out], ['no difference\n', 'no difference\n'], a.err + b.err);
    });
  }
}

test('import prints the configuration on stdout, and what is not taken over on stderr', async (t) => {
  const folder = folderOf(t, {
    'ecosystem.config.cjs':
      'module.exports = { name: "a", script: "server.js", instances: 1, env: { A: "${x}" }, max_restarts: 3 }',
  });
  const { code, out, err } = await command(folder, ['import']);
  t.is(code, 0);
  t.regex(err, /^cordon: ecosystem\.config\.cjs: a: `max_restarts` is not taken over: cordon goes on, unless .*\n$/);
  writeFileSync(join(folder, 'cordon.config.mjs'), out);
  const { apps } = await loadedApps(t, { files: { 'cordon.config.mjs': out } });
  t.like(apps[0], { name: 'a', workers: 1, env: { A: '${x}' } });
});

test('import leaves out what cannot be run, says so, and exits 1; 78 where nothing is left', async (t) => {
  const some = await command(fixture('pm2/foreign'), ['import']);
  t.is(some.code, 1);
  t.regex(some.err, /^cordon: ecosystem\.config\.cjs: python: `interpreter`: expected node, got "python3"/m);
  t.regex(some.out, /"good"/);
  t.notRegex(some.out, /"name": "(?:npm|python|bun)"/);
  const none = await command(folderOf(t, { 'pm2.json': '[{ script: "npm" }]' }), ['import', 'pm2.json']);
  t.is(none.code, 78);
  t.is(none.out, '');
  t.regex(none.err, /^cordon: pm2\.json: no app that cordon can run$/m);
});

const misuse: Record<
  string,
  readonly [files: Record<string, string>, args: readonly string[], code: number, says: RegExp]
> = {
  'no file': [{}, [], 64, /no ecosystem file of pm2 in this folder; name one/],
  'two files': [{ 'ecosystem.json': '{}', 'pm2.json': '{}' }, [], 64, /more than one file of pm2/],
  'a form that it does not write': [{ 'ecosystem.json': '{}' }, ['-o', 'x.toml'], 64, /--output: expected a \.mjs/],
  'a file that is there': [
    { 'ecosystem.json': '{ script: "./a.js" }', 'x.mjs': '' },
    ['-o', 'x.mjs'],
    73,
    /x\.mjs is there already/,
  ],
  'an empty file': [{ 'ecosystem.json': '' }, [], 78, /ecosystem\.json: the file is empty/],
  'a broken file': [{ 'ecosystem.json': '{ apps: [ }' }, [], 78, /ecosystem\.json: not valid JSON: /],
  'a file that is missing': [{}, ['nowhere.json'], 78, /nowhere\.json: does not exist/],
};

for (const [title, [given, args, code, says]] of Object.entries(misuse)) {
  test(`import refuses ${title}`, async (t) => {
    const outcome = await command(folderOf(t, given), ['import', ...args]);
    t.is(outcome.code, code);
    t.regex(outcome.err, says);
    t.is(outcome.out, '');
  });
}
