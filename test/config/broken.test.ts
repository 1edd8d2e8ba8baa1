// Files that are broken in every way that an operator can break one: each ends in its sentence and in exit code 78.
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { command, folderOf, refused } from '../support/config.js';

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
  'has a function that returns nothing': [
    'export default () => {}',
    /: the function in it returns undefined; expected an/,
  ],
  'has a function that throws': ['export default ({ env }) => env.A.b', /: threw while it was read: TypeError: /],
  'has a function that never settles': [
    'export default () => new Promise(() => {})',
    /: the promise in it never settles$/,
  ],
  'exports undefined': ['export default undefined', /: exports undefined; expected an object$/],
  'exports a list': ['export default [{ script: "server.js" }]', /: expected an object, got a list$/],
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

const mebibyte = 1024 * 1024;

/** The file's name and what is in it, the whole sentence. Folders end with a slash. */
const files: Record<string, readonly [name: string, text: string | Uint8Array, says: RegExp]> = {
  'an empty JSON file': ['x.json', '', /^x\.json:1:1: the file is empty; expected an object$/],
  'an empty YAML file': ['x.yaml', '\n# nothing yet\n', /^x\.yaml:1:1: the file is empty; expected an object$/],
  'an empty module': ['x.config.mjs', '', /^x\.config\.mjs: no default export; write `export default/],
  'a text of another encoding': [
    'x.yaml',
    Buffer.from('\uFEFFscript: server.js\n', 'utf16le'),
    /^x\.yaml: is not UTF-8 text; save it as UTF-8$/,
  ],
  'a file of 10 MB': ['x.json', ' '.repeat(10 * mebibyte), /^x\.json: has 10485760 bytes; expected at most 1048576$/],
  'a module of 10 MB': ['x.config.mjs', ' '.repeat(10 * mebibyte), /^x\.config\.mjs: has 10485760 bytes; /],
  'a folder': ['x.json/y', '', /^x\.json: is a folder; expected a file$/],
  'a form that nobody reads': [
    'x.toml',
    'script = "server.js"',
    /^x\.toml: this version cannot read it; expected a \.ts, .* or \.yml file$/,
  ],
  'a tab in YAML': [
    'x.yaml',
    'script: server.js\nstop:\n\ttimeout: 3s\n',
    /^x\.yaml:3:1: a tab in the indentation; YAML wants spaces$/,
  ],
  'a key that is there twice in YAML': ['x.yaml', 'name: a\nname: b\n', /^x\.yaml:2:1: this key is there twice/],
  'a bracket that is not closed': ['x.yaml', 'args: [a, b\n', /^x\.yaml:2:1: not valid YAML: /],
  'a list where an object is due': ['x.yaml', '- a\n', /^x\.yaml:1:1: expected an object, got a list$/],
  'two documents in one file': ['x.yaml', 'name: a\n---\nname: b\n', /^x\.yaml:2:1: a second document begins here/],
  'an anchor that is nowhere': ['x.yaml', 'ready: *slow\n', /^x\.yaml:1:8: this alias has no anchor before it$/],
  'aliases that stand for billions': [
    'x.yaml',
    [
      'a: &a [x, x, x, x, x, x, x, x, x, x]',
      ...['b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'].map(
        (name, i) => `${name}: &${name} [${`*${'abcdefgh'[i] ?? ''},`.repeat(10)}]`,
      ),
    ].join('\n'),
    /^x\.yaml:1:1: its aliases stand for too much/,
  ],
  'an alias of what it is in': ['x.yaml', 'env: &env\n  a: *env\n', /^x\.yaml:2:6: `env\.a`: contains itself$/],
  'a tag that means nothing': ['x.yaml', 'env:\n  KEY: !vault x\n', /^x\.yaml:2:8: a tag that means nothing here/],
  'a number that is none': ['x.yaml', 'workers: .nan\n', /^x\.yaml:1:10: `workers`: expected plain data, got NaN$/],
  'a wrong type': [
    'x.yaml',
    'script: [server.js]\n',
    /^x\.yaml:1:9: `script`: expected the path of a script, got a list$/,
  ],
  'a variable that is not set': [
    'x.yaml',
    'script: server.js\nname: ${NOWHERE}\n',
    /^x\.yaml:2:7: `name`: the variable NOWHERE is not set; set it, or write `\$\{NOWHERE:-otherwise\}`$/,
  ],
  'a reference that is not closed': [
    'x.yaml',
    'name: ${A\nscript: server.js\n',
    /^x\.yaml:1:7: `name`: expected `\$\{NAME\}` or/,
  ],
  'a package without the key': ['package.json', '{}', /^package\.json: has no key `cordon`/],
  'apps that wait for each other': [
    'x.yaml',
    'apps:\n- { name: a, script: server.js, after: [c] }\n- { name: b, script: server.js, after: [a] }\n- { name: c, script: server.js, after: [b] }\n',
    /^x\.yaml:2:40: `apps\[0\]\.after`: apps that wait for each other never start: a → c → b → a$/,
  ],
  'no apps': ['x.yaml', 'apps: []\n', /^x\.yaml:1:7: `apps`: expected a list of apps, got an empty one$/],
  'a file of secrets that is not there': [
    'x.yaml',
    'script: server.js\nenv:\n  KEY: { file: /nowhere/key }\n',
    /^x\.yaml:3:8: `env\.KEY`: \/nowhere\/key does not exist/,
  ],
};

for (const [title, [name, text, says]] of Object.entries(files)) {
  test(`${title} ends in one sentence`, async (t) => {
    const [file = ''] = name.split('/');
    const [lines, exitCode] = await refused(t, { files: { [name]: text }, file });
    t.is(lines.length, 1, lines.join('\n'));
    t.regex(lines[0] ?? '', says);
    t.is(exitCode, 78);
  });
}

test('what a broken file says is not repeated, as it may be a secret', async (t) => {
  const texts = [
    'env: { KEY: "hunter2 }',
    'hunter2: a: b',
    'env:\n KEY: "a" hunter2\n',
    'env: {KEY: [hunter2}',
    '%hunter2\n---\na: 1',
  ];
  for (const text of texts) {
    const [lines] = await refused(t, { files: { 'x.yaml': text }, file: 'x.yaml' });
    t.notRegex(lines.join('\n'), /hunter2"|: hunter2|"hunter2/, text);
  }
});

test('a file that may not be read says so', async (t) => {
  const folder = folderOf(t, { 'x.json': '{}' });
  chmodSync(folder, 0o755);
  chmodSync(join(folder, 'x.json'), 0);
  // Root may read everything; nobody may not.
  const asNobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const { code, err } = await command(folder, ['start', 'x.json'], asNobody);
  t.is(err, 'cordon: x.json: may not be read by this user; check its permissions\n');
  t.is(code, 78);
});

test('a configuration that cannot be read is not passed over for a script on the command line', async (t) => {
  const folderAndFile = { 'cordon.config.toml': '' };
  const [lines] = await refused(t, { files: folderAndFile, script: 'server.js' });
  t.regex(lines[0] ?? '', /^cordon\.config\.toml: this version cannot read it/);
});
