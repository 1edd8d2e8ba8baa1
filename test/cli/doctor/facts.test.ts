// What the doctor finds out on this machine.
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { gather } from '../../../cli/doctor/facts.js';

test.serial('a folder for sockets that others may write to is found before a fleet finds it', (t) => {
  const runtime = mkdtempSync(join(tmpdir(), 'cordon-'));
  const before = { ...process.env };
  t.teardown(() => {
    process.env = before;
    rmSync(runtime, { recursive: true, force: true });
  });
  process.env = { ...before, XDG_RUNTIME_DIR: runtime };
  delete process.env['RUNTIME_DIRECTORY'];
  t.deepEqual(gather({}).runtime, { folder: runtime });
  const own = join(runtime, 'cordon');
  mkdirSync(own);
  chmodSync(own, 0o777);
  t.regex(gather({}).runtime.problem ?? '', /cordon is not safe: others may write to it \(mode 0777\)/);
  chmodSync(own, 0o700);
  t.deepEqual(gather({}).runtime, { folder: runtime });
});
