// The entry of every worker (`--import`), run before the user's own file becomes the main module. In the program's own worker
// threads and child processes, which inherit the flag, it does nothing.
import { isMainThread } from 'node:worker_threads';
import { BOOT_VARIABLE, PRELOAD_MARK } from './protocol.js';

// In threads too: what they fork inherits theirs.
const flag = process.execArgv.findIndex((argument) => argument.endsWith(PRELOAD_MARK));
// What stands before it is cordon's, too.
if (flag > 0) process.execArgv.splice(0, flag + 1);

const orders = process.env[BOOT_VARIABLE];
if (isMainThread && orders !== undefined) {
  delete process.env[BOOT_VARIABLE];
  const { start } = await import('./start.js');
  try {
    start(JSON.parse(orders));
  } catch (error) {
    // One that was there first would take it, and leave a worker that hears nobody.
    process.setUncaughtExceptionCaptureCallback(null);
    throw error;
  }
}
