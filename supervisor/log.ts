// Where log lines go: JSON lines into a pipe, readable ones onto a terminal. Written at once, so that none is lost with the process;
// a reader that is gone ends the log, never the fleet.
import { destination, type Logger, pino, stdTimeFunctions } from 'pino';
import type { Config } from '../config/config.js';
import { type Line, readable } from './readable.js';
import { leadsToJournal, prioritized } from './systemd/journal.js';
import type { JournalStream } from './systemd/journal-stream.js';

export type Log = Logger;

/** `remember` hears each line as JSON. */
export function openLog(config: Pick<Config, 'name' | 'logs'>, remember: (line: string) => void = () => {}): Log {
  const out = destination({ fd: 1, sync: true });
  out.on('error', () => {
    // EPIPE, or a full disk: the next line is tried again.
  });
  const options = {
    level: config.logs.level,
    base: { app: config.name },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (level: string) => ({ level }) },
  };
  const print =
    config.logs.format === 'json'
      ? (json: string) => json
      : (json: string) => `${readable(JSON.parse(json) as Line)}\n`;
  const toJournal = leadsToJournal(1, process.env);
  let program: JournalStream | undefined;
  const open = async (): Promise<void> => {
    const { JournalStream: Stream } = await import('./systemd/journal-stream.js');
    program = new Stream(config.name);
  };
  if (toJournal) void open();
  return pino(options, {
    write(json: string) {
      remember(json.slice(0, -1));
      const text = print(json);
      if (!toJournal) return out.write(text);
      const lines = prioritized(/"level":"(\w+)"/.exec(json)?.[1] ?? 'info', text);
      // In a text that a worker prints, quotes stand behind a backslash.
      const isProgram = /"stream":"std(?:out|err)"/.test(json);
      return (isProgram && program?.write(lines)) || out.write(lines);
    },
  });
}
