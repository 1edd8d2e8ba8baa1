// Required by ava before each test file. Where patience with a test is over, or the run is interrupted, ava ends the process of the
// test file by SIGTERM, and no teardown runs: the fleets that it started would live on, and keep the machine busy for all that follows.
import { readFileSync } from 'node:fs';

/** Of whoever is below this process; on Linux, as elsewhere nobody tells. */
function descendants(pid: number): number[] {
  const children = childrenOf(pid);
  return [...children, ...children.flatMap(descendants)];
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

process.once('SIGTERM', () => {
  // All are known before the first is killed: its children would be nobody's.
  for (const pid of descendants(process.pid))
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // Gone already.
    }
  process.kill(process.pid, 'SIGTERM');
});
