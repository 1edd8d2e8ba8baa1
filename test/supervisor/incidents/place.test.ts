import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readlinkSync, realpathSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { homeOf } from '../../../config/home.js';
import { placeOf, prepare, release, take } from '../../../supervisor/incidents/place.js';

function folder(t: ExecutionContext): string {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'cordon-place-')));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

test('the book is in systemd\u2019s folder for the service, else in the user\u2019s for state', (t) => {
  t.is(
    placeOf('api', { STATE_DIRECTORY: '/var/lib/api:/var/lib/other', XDG_STATE_HOME: '/state' }, '/home/me'),
    '/var/lib/api',
  );
  t.is(placeOf('api', { XDG_STATE_HOME: '/state' }, '/home/me'), '/state/cordon/api');
  t.is(placeOf('api', { XDG_STATE_HOME: 'relative' }, '/home/me'), '/home/me/.local/state/cordon/api');
});

const unknown = (): string => {
  throw new Error('uv_os_homedir returned ENOENT');
};

test('a user who has no home, as a bare number in a container, is taken to live in /', (t) => {
  t.is(homeOf(unknown), '/');
  t.is(
    homeOf(() => '/home/me'),
    '/home/me',
  );
});

test('a folder that is made is its owner\u2019s alone; one that everybody may write to is refused', async (t) => {
  const dir = join(folder(t), 'a', 'b');
  await prepare(dir);
  t.is(statSync(dir).mode & 0o777, 0o700);
  chmodSync(dir, 0o777);
  await t.throwsAsync(prepare(dir), { message: /may be written to by everybody/ });
});

test('a folder is one process\u2019s until that releases it, or is no more', async (t) => {
  const dir = folder(t);
  t.is(await take(dir), undefined);
  t.is(await take(dir), undefined, 'it is ours already');
  await release(dir);
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] });
  const url = new URL('../../../supervisor/incidents/place.js', import.meta.url).href;
  const holder = spawn(
    process.execPath,
    [
      '--input-type=module',
      '-e',
      `import { take } from '${url}'; await take('${dir}'); console.log('taken'); process.stdin.resume();`,
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  t.teardown(() => {
    child.kill('SIGKILL');
    holder.kill('SIGKILL');
  });
  await once(holder.stdout, 'data');
  t.is(await take(dir), holder.pid);
  await release(dir);
  t.is(await take(dir), holder.pid, 'nobody releases what is another\u2019s');
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  t.is(await take(dir), undefined);
  rmSync(join(dir, 'lock'));
  // The pid is used again, by another process.
  symlinkSync(`${child.pid}.1`, join(dir, 'lock'));
  t.is(await take(dir), undefined);
  t.true(readlinkSync(join(dir, 'lock')).startsWith(`${process.pid}.`));
});
