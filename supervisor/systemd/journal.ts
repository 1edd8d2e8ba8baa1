// Lines that go to systemd's journal carry their priority, so that `journalctl -p warning` finds what matters.
import { fstatSync } from 'node:fs';

/** Whether this descriptor is the stream that systemd says leads to the journal. */
export function leadsToJournal(fd: number, environment: NodeJS.ProcessEnv): boolean {
  const said = environment['JOURNAL_STREAM'];
  if (said === undefined) return false;
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true });
    return said === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

/** As syslog counts them. */
const PRIORITIES: Readonly<Record<string, number>> = { trace: 7, debug: 7, info: 6, warn: 4, error: 3, fatal: 2 };

/** Each line by itself: the journal takes them one by one. It removes the prefix. */
export const prioritized = (level: string, lines: string): string =>
  lines.replace(/^(?=.)/gm, `<${PRIORITIES[level] ?? 6}>`);
