// The documents name files, options and folders. What they name must be there, and what is there must be named.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { endpoints } from '../supervisor/control/protocol.js';

// The tests run from dist; the documents are beside it.
const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (file: string): string => readFileSync(join(root, file), 'utf8');

const filesIn = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length));

const documents = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...filesIn('docs').filter((file) => file.endsWith('.md')),
];
const folders = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !['.git', 'dist', 'node_modules', 'coverage'].includes(entry.name))
  .map(({ name }) => name)
  .filter((name) => !name.startsWith('.'));
const everyFile = folders.flatMap(filesIn);

/** `dist/` is built, `cordon/…` is what a program imports, and a web address is nobody's file. */
const isElsewhere = (path: string): boolean => /^(?:dist|cordon|https?:)\b/.test(path);

/** Between backticks: paths with an ending, and folders with their slash. */
const pathsIn = (text: string): string[] =>
  [...text.matchAll(/`([^`\s]+)`/g)]
    .map(([, words = '']) => words)
    .filter((words) => /^\.{0,2}[\w-]+(?:\/[\w.-]+)+\.[a-z]+$|^[\w-]+(?:\/[\w-]+)*\/$/.test(words))
    .filter((words) => !isElsewhere(words));

/** Links to files of this repository, from the folder of the document. */
const linksIn = (document: string): string[] =>
  [...read(document).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !target.includes(':'))
    .map((target) => join(document, '..', target));

for (const document of documents) {
  test(`every file and folder that ${document} names is there`, (t) => {
    const named = [...pathsIn(read(document)), ...linksIn(document)];
    const absent = named.filter(
      (path) => !existsSync(join(root, path)) && !everyFile.some((file) => file.endsWith(`/${path}`)),
    );
    t.deepEqual(absent, []);
  });
}

/** What the map of ARCHITECTURE.md names, from the root: files, and folders as `folder/*`. */
function mapped(): string[] {
  const [, map = ''] = /^## Folders and files$[^]*?^```$([^]*?)^```$/m.exec(read('ARCHITECTURE.md')) ?? [];
  let folder = '';
  return map.split('\n').flatMap((line) => {
    const [, heading] = /^([\w-]+)\//.exec(line) ?? [];
    folder = heading ?? folder;
    const names = [...line.matchAll(/(?<![\w/.-])((?:[\w-]+\/)*(?:[\w-]+\.(?:ts|mjs|md)|\*))/g)].map(
      ([, name = '']) => name,
    );
    return [`${folder}/`, ...names.map((name) => (name.startsWith(`${folder}/`) ? name : `${folder}/${name}`))];
  });
}

test('the map names only what is there', (t) => {
  const absent = mapped().filter((path) => !existsSync(join(root, path.replace(/\*$/, ''))));
  t.deepEqual(absent, []);
});

test('the map names every folder, and every source file by itself or with its folder', (t) => {
  const map = new Set(mapped());
  t.deepEqual(
    folders.filter((folder) => !map.has(`${folder}/`)),
    [],
  );
  const sources = ['cli', 'config', 'supervisor', 'worker'].flatMap(filesIn).filter((file) => file.endsWith('.ts'));
  t.true(sources.length > 0);
  t.deepEqual(
    sources.filter((file) => !map.has(file) && !map.has(file.replace(/[^/]+$/, '*'))),
    [],
  );
});

test('ARCHITECTURE.md stays short', (t) => {
  t.true(read('ARCHITECTURE.md').split('\n').length <= 120);
});

test('every option of `cordon start` is documented', (t) => {
  const main = fileURLToPath(new URL('../cli/main.js', import.meta.url));
  const help = execFileSync(process.execPath, [main, 'start', '--help'], { encoding: 'utf8' });
  const options = [...help.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, option = '']) => option);
  t.true(options.length > 0);
  const documented = documents.map(read).join('\n');
  t.deepEqual(
    options.filter((option) => !documented.includes(`\`${option}\``)),
    [],
  );
});

test('every command has an example, fits 80 columns, and is in docs/commands.md, the README or the book of errors', (t) => {
  const main = fileURLToPath(new URL('../cli/main.js', import.meta.url));
  const help = (...words: string[]): string =>
    execFileSync(process.execPath, [main, ...words, '--help'], { encoding: 'utf8' });
  const [, list = ''] = /^Commands:\n((?: .*\n)+)/m.exec(help()) ?? [];
  const names = [...list.matchAll(/^ {2}([a-z]+)/gm)].map(([, name = '']) => name);
  t.true(names.length > 12, names.join(' '));
  const documented = documents.map(read).join('\n');
  for (const name of names) {
    const text = help(name);
    t.regex(text, /^ {2}\$ .*cordon /m, name);
    t.deepEqual(
      text.split('\n').filter((line) => line.length > 80),
      [],
      name,
    );
    t.true(new RegExp(`[\`\\s]${name}[\`\\s]`).test(documented), name);
  }
});

test('docs/commands.md names every endpoint, and the man page every command', (t) => {
  const text = read('docs/commands.md');
  for (const endpoint of Object.keys(endpoints)) t.true(text.includes(`\`${endpoint.split(' ')[1]}\``), endpoint);
  execFileSync(process.execPath, [join(root, 'scripts/write-man.mjs')]);
  const page = read('dist/man/cordon.1');
  for (const name of ['start', 'stop', 'reload', 'status', 'errors', 'completion'])
    t.true(page.includes(`.SS ${name}\n`), name);
});
