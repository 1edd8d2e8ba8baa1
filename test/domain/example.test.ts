import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import { fileURLToPath } from 'node:url';
import test from 'ava';

function fetchText(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ port, path: '/offer' }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(text));
    }).on('error', reject);
  });
}

test('the session example merges what its services say, and how they fail, into one answer', async (t) => {
  const file = fileURLToPath(new URL('../../../examples/session/server.mjs', import.meta.url));
  const child = spawn(process.execPath, [file], {
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill());
  const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  const port = Number(/\d+/.exec(line)?.[0]);
  for (let i = 0; i < 2; i++) {
    const answer = JSON.parse(await fetchText(port)) as Record<string, Record<string, unknown>>;
    t.deepEqual(answer['product'], { name: 'lamp' });
    t.deepEqual(answer['price'], { cents: 1999 });
    t.is(answer['reviews']?.['failed'], 'SyntaxError');
    t.is(answer['stock']?.['because'], 'socket hang up');
    t.is(answer['recommendations']?.['failed'], 'SessionTimeout');
  }
});
