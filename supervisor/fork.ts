// How a worker's process is made. `cluster.fork` cannot give it a process group of its own, so that a terminal's Ctrl-C reaches the
// supervisor alone; `child_process.fork` with `detached` can, and NODE_UNIQUE_ID makes it a cluster worker all the same.
import { type ChildProcess, fork } from 'node:child_process';
import { grantedHeap } from '../config/memory.js';
import { BOOT_VARIABLE, type BootOrders, LIFELINE_FD, PRELOAD_MARK } from '../worker/protocol.js';
import { placesInspector } from './hang/obstacle.js';
import type { Release } from './releases.js';
import type { Worker } from './state.js';

const PRELOAD = new URL(`..${PRELOAD_MARK}`, import.meta.url);

export function forkWorker(
  config: Release,
  { id, slot, generation, held }: Pick<Worker, 'id' | 'slot' | 'generation'> & { readonly held: boolean },
): ChildProcess {
  const { on } = config.ready;
  const orders: BootOrders = {
    killTimeoutMs: config.fault.killTimeoutMs,
    lingerMs: config.stop.lingerMs,
    handOver: config.handOver,
    balance: config.balance,
    closeSpreadMs: config.stop.closeSpreadMs,
    tasks: config.stop.drain === 'tasks',
    ...(config.stop.signal !== undefined && { signal: config.stop.signal }),
    redact: config.errors.redact,
    beatMs: config.health.beatMs,
    held,
    ...(typeof on === 'object' && { probe: on.http }),
  };
  const stdio: ('ignore' | 'pipe' | 'ipc')[] = ['ignore', 'pipe', 'pipe', 'ipc'];
  stdio[LIFELINE_FD] = 'pipe';
  return fork(config.script, config.args, {
    cwd: config.cwd,
    detached: true,
    execArgv: [...ownOptions(config), '--import', PRELOAD.href, ...config.nodeArgs],
    env: {
      ...config.inherited,
      ...config.env,
      CORDON_NAME: config.name,
      CORDON_WORKER: String(id),
      CORDON_SLOT: String(slot),
      CORDON_GENERATION: String(generation),
      NODE_APP_INSTANCE: String(slot),
      NODE_UNIQUE_ID: String(id),
      [BOOT_VARIABLE]: JSON.stringify(orders),
    },
    stdio,
  });
}

/** What the operator gives node, one way or the other. */
export const givenOptions = ({ nodeArgs, env, inherited }: Release): readonly string[] => [
  ...nodeArgs,
  ...(env['NODE_OPTIONS'] ?? inherited['NODE_OPTIONS'] ?? '').split(/\s+/),
];

/** Before the preload, which hides them and itself from the program. What the operator says about the same wins. */
function ownOptions(config: Release): string[] {
  const { workers, standby } = config;
  const given = givenOptions(config);
  const heap = given.some((option) => HEAP.test(option)) ? undefined : grantedHeap(workers + standby);
  return [
    // Whoever opens a stuck worker is given a port that nobody else has.
    ...(placesInspector(given) ? [] : ['--inspect-port=127.0.0.1:0']),
    ...(heap === undefined ? [] : [`--max-old-space-size=${heap}`]),
  ];
}

const HEAP = /^--max[-_](?:old[-_]space[-_]size|heap[-_]size)/;

/** A worker's process group: itself and the children that it has not detached. */
export function killTree(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}
