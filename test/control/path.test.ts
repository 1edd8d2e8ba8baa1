import { chmodSync, chownSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { ExitCode, OperatorError } from '../../config/exit-code.js';
import {
  checkLength,
  checkParent,
  controlFolder,
  prepareFolder,
  readersName,
  searchFolders,
} from '../../supervisor/control/path.js';
import { privateFolder } from '../support/control.js';

const modeOf = (path: string): number => statSync(path).mode & 0o777;
const ours = (path: string) => ({ path, given: false });

test('systemd says where, else the login session, else a private folder under the temporary directory', (t) => {
  t.deepEqual(controlFolder({ RUNTIME_DIRECTORY: '/run/api:/run/b', XDG_RUNTIME_DIR: '/run/user/7' }, 7), {
    path: '/run/api',
    given: true,
  });
  t.is(controlFolder({ XDG_RUNTIME_DIR: '/run/user/7' }, 7).path, '/run/user/7/cordon');
  t.regex(controlFolder({}, 7).path, /\/cordon-7$/);
});

test('commands look in every place where a supervisor of this user may be', (t) => {
  const folders = searchFolders({}, 7);
  t.true(folders.includes('/run/user/7/cordon'));
  t.true(folders.includes('/run/cordon'));
  t.true(folders.includes(controlFolder({}, 7).path));
  t.is(new Set(folders).size, folders.length);
});

test('the folder is made for its owner alone, and made private where it was not', (t) => {
  const path = join(privateFolder(t), 'cordon');
  prepareFolder(ours(path), false);
  t.is(modeOf(path), 0o700);
  chmodSync(path, 0o755);
  prepareFolder(ours(path), false);
  t.is(modeOf(path), 0o700);
});

test('others may go through the folder, and list nothing, where a socket lets them in', (t) => {
  const path = join(privateFolder(t), 'cordon');
  prepareFolder(ours(path), true);
  t.is(modeOf(path), 0o711);
  // A second fleet, which lets nobody in, must not shut the first one's door.
  prepareFolder(ours(path), false);
  t.is(modeOf(path), 0o711);
});

test('a folder that systemd made keeps the mode that its unit says', (t) => {
  const path = join(privateFolder(t), 'run');
  mkdirSync(path);
  chmodSync(path, 0o755);
  prepareFolder({ path, given: true }, false);
  t.is(modeOf(path), 0o755);
});

const refused = (work: () => void): OperatorError => {
  try {
    work();
  } catch (error) {
    if (error instanceof OperatorError) return error;
    throw error;
  }
  throw new Error('it was not refused');
};

test('a symbolic link is not followed, wherever it leads', (t) => {
  const folder = privateFolder(t);
  mkdirSync(join(folder, 'real'), { mode: 0o700 });
  symlinkSync(join(folder, 'real'), join(folder, 'link'));
  for (const work of [
    () => prepareFolder(ours(join(folder, 'link')), false),
    () => checkParent(join(folder, 'link', 'api.sock')),
  ]) {
    const error = refused(work);
    t.is(error.exitCode, ExitCode.permission);
    t.regex(error.message, /is not safe: it is a symbolic link\. Remove it, or choose/);
  }
});

test('a folder in which others could replace the socket is refused', (t) => {
  const path = join(privateFolder(t), 'open');
  mkdirSync(path);
  chmodSync(path, 0o777);
  t.regex(refused(() => prepareFolder(ours(path), false)).message, /others may write to it \(mode 0777\)/);
  t.regex(refused(() => checkParent(join(path, 'api.sock'))).message, /others may write to it/);
});

const asRoot = process.getuid?.() === 0 ? test : test.skip;
asRoot("another user's folder is refused", (t) => {
  const path = join(privateFolder(t), 'theirs');
  mkdirSync(path, { mode: 0o700 });
  chownSync(path, 12_345, 12_345);
  t.regex(refused(() => prepareFolder(ours(path), false)).message, /belongs to another user \(uid 12345\)/);
});

test('what is no folder is refused, and so is one that cannot be made', (t) => {
  const folder = privateFolder(t);
  writeFileSync(join(folder, 'file'), '');
  t.regex(refused(() => prepareFolder(ours(join(folder, 'file')), false)).message, /it is no folder/);
  const error = refused(() => prepareFolder(ours(join(folder, 'file', 'cordon')), false));
  t.is(error.exitCode, ExitCode.cannotCreate);
  t.regex(error.message, /cannot make the folder .* \(ENOTDIR\)/);
  t.regex(refused(() => checkParent(join(folder, 'no', 'api.sock'))).message, /the folder .*\/no does not exist/);
});

test('a path of 107 bytes is taken, one of 108 is refused with both figures', (t) => {
  t.is(checkLength('/'.padEnd(107, 'x')).length, 107);
  const error = refused(() => checkLength('/'.padEnd(106, 'x').concat('é')));
  t.is(error.exitCode, ExitCode.cannotCreate);
  t.regex(error.message, /at most 107 bytes, got 108\./);
});

test("the readers' socket stands beside the other", (t) => {
  t.is(readersName('/run/cordon/api.sock'), '/run/cordon/api.read.sock');
  t.is(readersName('/run/ctl'), '/run/ctl.read.sock');
});
