// What this very Node prints, not what we remember of it.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { syntaxError } from '../../supervisor/diagnosis.js';

const root = join(mkdtempSync(join(tmpdir(), 'cordon-')), 'my app');
mkdirSync(root);
test.after.always(() => rmSync(join(root, '..'), { recursive: true }));

const files: Record<string, string> = {
  'bad.cjs': 'const a = 1;\nconst b = ;\n',
  'bad.mjs': 'const a = 1;\nconst b = ;\n',
  'bad.ts': 'const a = 1;\nconst b = ;\n',
  'bad.json': '{bad',
  'requires.cjs': "require('./bad.cjs');\n",
  'imports.mjs': "import './bad.mjs';\n",
  'await.cjs': 'await 1;\n',
  'export.mjs': "import { nothing } from 'node:fs';\nnothing();\n",
  'json.cjs': "JSON.parse('{bad');\n",
  'json.mjs': "JSON.parse('{bad');\n",
  'require-json.cjs': "require('./bad.json');\n",
  'regexp.cjs': "new RegExp('(');\n",
  'function.cjs': "new Function('a b c');\n",
  'thrown.cjs': "throw new SyntaxError('of my own');\n",
  'script.cjs': "new (require('node:vm').Script)('a b', { filename: __filename });\n",
  'logged.cjs':
    "console.error('SyntaxError: in a log'); console.error('file: not/a/url:3'); console.error('file://host/x:1');\n" +
    "console.error('/etc/hosts:1'); throw new TypeError('else');\n",
};
for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text);

const said = (name: string): string[] =>
  spawnSync(process.execPath, [join(root, name)], { encoding: 'utf8', env: {} }).stderr.split('\n');

const hopeless: [file: string, place: string][] = [
  ['bad.cjs', 'bad.cjs:2'],
  ['bad.mjs', 'bad.mjs:2'],
  ['bad.ts', 'bad.ts:'],
  ['requires.cjs', 'bad.cjs:2'],
  ['imports.mjs', 'bad.mjs:2'],
  ['await.cjs', 'await.cjs:1'],
  ['export.mjs', 'export.mjs:1'],
];
for (const [file, place] of hopeless) {
  test(`${file} cannot start, and the operator is told where`, (t) => {
    const message = syntaxError(said(file))?.message ?? said(file).join('\n');
    t.true(message.startsWith(`cannot start: ${join(root, place)}`), message);
    t.regex(message, /does not parse: SyntaxError/);
  });
}

for (const file of Object.keys(files).slice(8)) {
  test(`${file} is no error of the program's syntax: it is tried again`, (t) => {
    t.is(syntaxError(said(file)), undefined);
  });
}

test('silence is no syntax error', (t) => {
  t.is(syntaxError([]), undefined);
});
