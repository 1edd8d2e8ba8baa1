// What keeps a process from being opened, as far as the kernel can tell without waiting for it. Nothing is known where there is no
// /proc: then the process is asked, and its silence is the answer.
import { type Read, readText } from '../../config/cgroup.js';

/** SIGUSR1, in a mask of signals. */
const SIGUSR1_BIT = 1n << 9n;

export function obstacle(pid: number, read: Read = readText): string | undefined {
  const status = read(`/proc/${pid}/status`);
  if (status === undefined) return undefined;
  const field = (name: string): string => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1] ?? '';
  if (/^[Tt]/.test(field('State'))) return 'it is stopped by a signal';
  const caught = field('SigCgt');
  // Sent all the same, the signal would end it.
  return caught !== '' && (BigInt(`0x${caught}`) & SIGUSR1_BIT) === 0n ? 'it does not listen to SIGUSR1' : undefined;
}

/** Whether these options of node open an inspector. */
export const opensInspector = (options: readonly string[]): boolean =>
  options.some((option) => /^--inspect(?:-(?:brk|wait))?(?:=|$)/.test(option));

/** Whether they say where one is to be. */
export const placesInspector = (options: readonly string[]): boolean =>
  opensInspector(options) || options.some((option) => /^--(?:inspect|debug)-port(?:=|$)/.test(option));
