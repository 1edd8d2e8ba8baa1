// What the system says that a process uses. Linux tells it in /proc; elsewhere the columns stay empty.
import { readFileSync } from 'node:fs';
import type { Usage } from './protocol.js';

/** The kernel counts CPU time for /proc in hundredths of a second, whatever its own clock does. */
const TICK_MS = 10;
/** An older figure says nothing of now. */
const STALE_MS = 60_000;
/** A shorter time is too short to measure a share of it. */
const SHORTEST_MS = 250;

interface Sample {
  readonly at: number;
  readonly cpuMs: number;
  readonly cpu: number;
}

/** Shares of CPU are of the time since the last question, or of the whole life of the process where that is long ago. */
export class Usages {
  readonly #samples = new Map<number, Sample>();

  /** `since` is when the process started, in milliseconds since 1970. */
  of(pid: number, since: number, now = Date.now()): Usage {
    const cpuMs = cpuTime(pid);
    if (cpuMs === undefined) return {};
    const last = this.#samples.get(pid);
    const recent = last !== undefined && now - last.at < STALE_MS ? last : { at: since, cpuMs: 0, cpu: 0 };
    const tooSoon = recent === last && now - recent.at < SHORTEST_MS;
    const cpu = tooSoon ? recent.cpu : Math.max(0, cpuMs - recent.cpuMs) / Math.max(1, now - recent.at);
    if (!tooSoon) this.#samples.set(pid, { at: now, cpuMs, cpu });
    const rssBytes = residentMemory(pid);
    return { cpu: Math.round(cpu * 1000) / 1000, ...(rssBytes !== undefined && { rssBytes }) };
  }

  /** Forgets all but these. */
  keep(pids: readonly number[]): void {
    for (const pid of this.#samples.keys()) if (!pids.includes(pid)) this.#samples.delete(pid);
  }
}

const read = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
};

/** The second field is the command's name in parentheses and may hold anything. */
function cpuTime(pid: number): number | undefined {
  const [, rest] = /\) (.*)/s.exec(read(`/proc/${pid}/stat`) ?? '') ?? [];
  const [user, system] = rest?.split(' ').slice(11, 13).map(Number) ?? [];
  return user === undefined || system === undefined ? undefined : (user + system) * TICK_MS;
}

function residentMemory(pid: number): number | undefined {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`) ?? '') ?? [];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}
