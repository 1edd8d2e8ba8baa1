import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';

// The tests run from dist; the sources are beside it.
const root = fileURLToPath(new URL('../../', import.meta.url));

/** Which folders' files a file of each folder may import, besides its own. */
const allowed: Readonly<Record<string, readonly RegExp[]>> = {
  config: [],
  worker: [/^config\//],
  supervisor: [/^config\//, /^worker\/protocol\.ts$/],
  cli: [/^config\//, /^supervisor\//],
};

const sourcesIn = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));

/** Static, dynamic and type imports, and files that are run in a thread or process, as paths from the root. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  const specifiers = text.matchAll(/(?:\bfrom|\bimport|\bimport\(|\bnew URL\()\s*'(\.{1,2}\/[^']+\.js)'/g);
  return [...specifiers].map(([, path = '']) =>
    relative(root, join(root, dirname(file), path)).replace(/\.js$/, '.ts'),
  );
}

for (const [folder, others] of Object.entries(allowed)) {
  test(`${folder} imports only what it may know`, (t) => {
    const files = sourcesIn(folder);
    t.true(files.length > 0);
    const strays = files.flatMap((file) =>
      importsOf(file)
        .filter((path) => !path.startsWith(`${folder}/`) && !others.some((other) => other.test(path)))
        .map((path) => `${file} imports ${path}`),
    );
    t.deepEqual(strays, []);
  });
}

test('only the program itself may speak to the terminal: configuration and worker have no console', (t) => {
  const chatty = ['config', 'worker']
    .flatMap(sourcesIn)
    .filter((file) => /\bconsole\./.test(readFileSync(join(root, file), 'utf8')));
  t.deepEqual(chatty, []);
});

/** What a file loads before anyone asks for more: its static imports that are more than types, and theirs. */
function loadedWith(file: string, seen: Set<string> = new Set()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const text = readFileSync(join(root, file), 'utf8');
  for (const [, what = '', path = ''] of text.matchAll(/^(?:import|export) (type )?[^;]*?'([^']+)';$/gm)) {
    if (what !== '') continue;
    if (path.startsWith('.')) loadedWith(relative(root, join(root, dirname(file), path)).replace(/\.js$/, '.ts'), seen);
    else seen.add(path);
  }
  return seen;
}

test('the supervisor loads no parser, watcher or compiler before it is asked to', (t) => {
  const loaded = ['cli/main.ts', 'cli/start.ts', 'supervisor/index.ts'].flatMap((file) => [...loadedWith(file)]);
  t.true(loaded.includes('config/schema.ts') && loaded.includes('valibot') && loaded.includes('config/file.ts'));
  const heavy = /^(?:yaml|chokidar|croner|jiti|dotenv)$|^config\/(?:reading\/(?!reading)|pm2\/|watch|starter|diff)/;
  t.deepEqual(
    loaded.filter((name) => heavy.test(name)),
    [],
  );
});

test('nothing imports node:http but its types: it costs 12 MB a process from Node 22 on', (t) => {
  const imports = Object.keys(allowed)
    .flatMap(sourcesIn)
    // The doctor asks once, and ends.
    .filter((file) => !file.startsWith('cli/doctor/'))
    .filter((file) =>
      /^import (?!type).*'node:http'|import\('node:http'\)/m.test(readFileSync(join(root, file), 'utf8')),
    );
  t.deepEqual(imports, []);
});
