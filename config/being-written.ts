// Whether some process has a file open for writing. Linux tells it of the processes of this user, and of all to root; where it is
// not told, the answer is no.
import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';

/** The last two bits of a descriptor's flags: 0 is open for reading only. */
const accessMode = 0o3;

/** Asked synchronously, as each answer takes microseconds; others have their turn after each process. */
export async function isBeingWritten(file: string): Promise<boolean> {
  const real = orNothing(() => realpathSync(file));
  if (real === undefined) return false;
  const processes = orNothing(() => readdirSync('/proc')) ?? [];
  for (const pid of processes.filter((name) => /^\d+$/.test(name))) {
    const descriptors = orNothing(() => readdirSync(`/proc/${pid}/fd`)) ?? [];
    const held = descriptors.filter(
      (descriptor) => orNothing(() => readlinkSync(`/proc/${pid}/fd/${descriptor}`)) === real,
    );
    if (held.some((descriptor) => writes(`/proc/${pid}/fdinfo/${descriptor}`))) return true;
    if (descriptors.length > 0) await setImmediate();
  }
  return false;
}

function writes(fdinfo: string): boolean {
  const [, flags = '0'] = /^flags:\s*(\d+)$/m.exec(orNothing(() => readFileSync(fdinfo, 'utf8')) ?? '') ?? [];
  return (Number.parseInt(flags, 8) & accessMode) !== 0;
}

function orNothing<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch {
    // Another user's, or gone meanwhile.
    return undefined;
  }
}
