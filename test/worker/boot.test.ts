import { spawnSync } from 'node:child_process';
import test from 'ava';

const START = new URL('../../worker/start.js', import.meta.url).href;
/** What takes longest to load of Node, and what a program that is no ES module, or knows no TLS, may never need. */
const COSTLY = ['internal/deps/undici/undici', 'https', 'tls', 'crypto', 'v8'];

test('a worker boots without the parts of Node that its program may never need', (t) => {
  const words = ['--import', START, '--input-type=module', '-e', 'console.log(process.moduleLoadList.join())'];
  const { stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
  const loaded = stdout.trim().split(',');
  t.true(loaded.includes('NativeModule http'), stderr);
  t.deepEqual(
    COSTLY.filter((name) => loaded.includes(`NativeModule ${name}`)),
    [],
  );
});

test('idle connections are kept for a program that loads https before its worker boots, and for one that does later', (t) => {
  const program = `
    const { keepIdleConnections } = await import(${JSON.stringify(new URL('../../worker/connections.js', import.meta.url).href)});
    const own = process.getBuiltinModule('node:http').Server.prototype.closeIdleConnections;
    keepIdleConnections(() => true);
    const { closeIdleConnections } = process.getBuiltinModule('node:https').Server.prototype;
    console.log(closeIdleConnections !== own);`;
  for (const before of [[], ['--require', 'node:https']]) {
    const words = [...before, '--input-type=module', '-e', program];
    const { stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
    t.is(stdout.trim(), 'true', `${before.join(' ')} ${stderr}`);
  }
});
