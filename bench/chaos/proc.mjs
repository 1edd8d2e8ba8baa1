// What /proc knows of the fleet, which is more than it says of itself: which processes are its own, who works in which slot, whose
// connections are whose. Linux only.
import { readlinkSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { list, read } from '../support/process.mjs';

export const isRunning = (pid) => /^State:\s+[^ZX]/m.test(read(`/proc/${pid}/status`));

/**
 * Every process that carries this mark in the environment it was started with. `worker` is there in workers, with their slot and
 * generation by their supervisor's word.
 */
export function marked(mark) {
  return list('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    const variables = read(`/proc/${entry}/environ`).split('\0');
    if (!variables.includes(`CHAOS_FLEET=${mark}`) || !isRunning(entry)) return [];
    const of = (name) => variables.findLast((line) => line.startsWith(`${name}=`))?.slice(name.length + 1);
    const parent = Number(/^PPid:\s+(\d+)/m.exec(read(`/proc/${entry}/status`))?.[1]);
    const seat = { worker: of('CORDON_WORKER'), slot: of('CORDON_SLOT'), generation: of('CORDON_GENERATION') };
    return [{ pid: Number(entry), parent, ...seat }];
  });
}

/** Whether a process has a handler for the signal of this number. */
export function handles(pid, number) {
  const mask = /^SigCgt:\s+([0-9a-f]+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? '0';
  return ((BigInt(`0x${mask}`) >> BigInt(number - 1)) & 1n) === 1n;
}

export const isStopped = (pid) => /^State:\s+[Tt]/m.test(read(`/proc/${pid}/status`));

/** The sockets that a process holds, by inode. */
function inodesOf(pid) {
  return new Set(
    list(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return [];
      }
    }),
  );
}

/** For each of these processes, the ports of the clients whose connections to `port` it holds. */
export async function clientsOf(pids, port) {
  const held = new Map(pids.map((pid) => [pid, { inodes: inodesOf(pid), clients: new Set() }]));
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')} `;
  for (const line of (await readFile('/proc/net/tcp', 'latin1')).split('\n')) {
    // sl, local, remote, state, …, inode; those without an owner (TIME_WAIT, unaccepted) have inode 0
    if (!line.includes(local) || line.includes(' 0A ') || line.includes(' 06 ')) continue;
    const [, , remote = '', , , , , , , inode] = line.trim().split(/\s+/);
    const client = Number.parseInt(remote.split(':')[1] ?? '', 16);
    for (const { inodes, clients } of held.values()) if (inodes.has(inode)) clients.add(client);
  }
  return new Map([...held].map(([pid, { clients }]) => [pid, clients]));
}
