// The entry of every worker (`--import`), run before the user's own file becomes the main module. It wires the parts together
// and is the shell around `lifecycle.ts`: it carries out orders and keeps the one timer. In the program's own worker threads and
// child processes, which inherit the flag, it does nothing.
import { isMainThread } from 'node:worker_threads';
import { BOOT_VARIABLE } from './protocol.js';

const orders = process.env[BOOT_VARIABLE];
if (isMainThread && orders !== undefined) {
  delete process.env[BOOT_VARIABLE];
  const { start } = await import('./start.js');
  start(JSON.parse(orders));
}
