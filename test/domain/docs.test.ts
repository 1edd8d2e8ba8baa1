import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const text = readFileSync(`${root}docs/domains.md`, 'utf8');
const examples = [...text.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code = '']) => code);

for (const [index, code] of examples.entries())
  test(`example ${index + 1} of docs/domains.md prints what it says`, async (t) => {
    const expected = [...code.matchAll(/\/\/→ (.*)/g)].map(([, line]) => line);
    const stdout = await new Promise<string>((resolve) => {
      execFile(process.execPath, ['--input-type=module', '--eval', code], { cwd: root }, (_error, out) => resolve(out));
    });
    // Comments stand beside the code that prints, which is not always the order in which it runs.
    t.deepEqual(new Set(stdout.trim().split('\n')), new Set(expected));
  });

test('docs/domains.md has examples', (t) => t.true(examples.length >= 8));
