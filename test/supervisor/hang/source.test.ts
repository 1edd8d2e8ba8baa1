// From generated code to its source.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import { sourceOf } from '../../../supervisor/hang/source.js';

const frame = { name: 'run', file: '', line: 1, column: 5 };
/** Generated line 1 is line 3 of the source. */
const map = JSON.stringify({ version: 3, sources: ['../src/server.ts'], names: [], mappings: 'AAEA' });

test('a source map beside the script, or in it, says where its author would look', async (t) => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'cordon-map-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const script = pathToFileURL(path.join(folder, 'dist', 'server.js')).href;
  const source = { name: 'run', file: path.join(folder, 'src', 'server.ts'), line: 3, column: 1 };
  const inline = `data:application/json;base64,${Buffer.from(map).toString('base64')}`;
  t.deepEqual(sourceOf(frame, script, inline), source);
  await writeFile(path.join(folder, 'server.js.map'), map);
  t.deepEqual(
    sourceOf(frame, pathToFileURL(path.join(folder, 'server.js')).href, 'server.js.map').file,
    path.join(path.dirname(folder), 'src', 'server.ts'),
  );
});

test('a map that is missing or broken leaves the place as it is', (t) => {
  const plain = { ...frame, file: '/app/server.js' };
  for (const url of [undefined, '', 'gone.map', 'data:application/json,{', 'http://elsewhere/server.js.map'])
    t.deepEqual(sourceOf(frame, 'file:///app/server.js', url), plain);
  t.is(sourceOf(frame, 'node:internal/timers', undefined).file, 'node:internal/timers');
});
