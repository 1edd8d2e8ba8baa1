import { mkdirSync, mkdtempSync, realpathSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Source, sourceOf } from '../../../supervisor/incidents/source.js';

function program(t: ExecutionContext, files: Readonly<Record<string, string>>): string {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'cordon-source-')));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(dir, name, '..'), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
  return dir;
}

const LATER = Date.now() + 60_000;
const of = (...frames: string[]): Source =>
  sourceOf('x', ['Error: x', ...frames.map((frame) => `    at ${frame}`)].join('\n'), LATER);
const code = Array.from({ length: 20 }, (_, index) => `line ${index + 1}`).join('\n');

test('a few lines of code around the program\u2019s topmost frame are shown', (t) => {
  const dir = program(t, { 'a.js': code, 'node_modules/b/index.js': code });
  const { frames, excerpt } = of(
    `dep (${dir}/node_modules/b/index.js:1:1)`,
    `f (file://${dir}/a.js:10:5)`,
    'g (node:net:1:2)',
  );
  t.deepEqual(
    excerpt.map(({ line }) => line),
    [7, 8, 9, 10, 11, 12, 13],
  );
  t.is(excerpt[3]?.text, 'line 10');
  t.deepEqual(
    frames.map(({ name, own, line, column }) => [name, own, line, column]),
    [
      ['dep', false, 1, 1],
      ['f', true, 10, 5],
      ['g', false, 1, 2],
    ],
  );
});

/** Line 1, column 11 of what runs is line 3, column 5 of the source. */
const map = (more: object): string =>
  JSON.stringify({ version: 3, names: [], mappings: 'AAAA,UAEI', sources: ['../src/a.ts'], ...more });

for (const [how, files] of [
  [
    'in a file beside it, the source on disk',
    { 'dist/a.js': 'x;\n//# sourceMappingURL=a.js.map\n', 'dist/a.js.map': map({}), 'src/a.ts': code },
  ],
  [
    'in a file beside it, the source within',
    { 'dist/a.js': 'x;\n//# sourceMappingURL=a.js.map', 'dist/a.js.map': map({ sourcesContent: [code] }) },
  ],
  [
    'within the file itself',
    {
      'dist/a.js': `x;\n//# sourceMappingURL=data:application/json;charset=utf-8;base64,${Buffer.from(map({ sourcesContent: [code] })).toString('base64')}\n`,
    },
  ],
] as [string, Record<string, string>][]) {
  test(`a frame is mapped to its source: the map ${how}`, (t) => {
    const dir = program(t, files);
    const { frames, excerpt } = of(`f (${dir}/dist/a.js:1:11)`);
    t.deepEqual(frames[0]?.mapped, { file: `${dir}/src/a.ts`, line: 3, column: 5 });
    t.is(excerpt.find(({ line }) => line === 3)?.text, 'line 3');
  });
}

for (const [what, files] of [
  ['that is not there', {}],
  ['that is no JSON', { 'a.js.map': 'nonsense' }],
  ['that is no map', { 'a.js.map': '{"version":3,"sources":{}}' }],
] as [string, Record<string, string>][]) {
  test(`a map ${what} leaves the frame as it is`, (t) => {
    const dir = program(t, { 'a.js': `${code}\n//# sourceMappingURL=a.js.map`, ...files });
    const { frames, excerpt } = of(`f (${dir}/a.js:2:1)`);
    t.false('mapped' in (frames[0] ?? {}));
    t.is(excerpt.find(({ line }) => line === 2)?.text, 'line 2');
  });
}

test('a file that has changed since the error is not shown as what has failed', (t) => {
  const dir = program(t, { 'a.js': code });
  utimesSync(join(dir, 'a.js'), LATER / 1000 + 60, LATER / 1000 + 60);
  t.deepEqual(of(`f (${dir}/a.js:2:1)`).excerpt, []);
});

test('only code is shown, and only where the stack says so, not the message', (t) => {
  const dir = program(t, { 'secret.pem': code, 'a.js': code });
  t.deepEqual(of(`f (${dir}/secret.pem:2:1)`).excerpt, []);
  t.deepEqual(of('f (/dev/zero:2:1)', 'g (/nowhere/a.js:1:1)').excerpt, []);
  const message = `no\n    at f (${dir}/a.js:2:1)`;
  t.deepEqual(sourceOf(message, `Error: ${message}`, LATER), { frames: [], excerpt: [] });
  t.deepEqual(sourceOf('x', undefined, LATER), { frames: [], excerpt: [] });
});
