// Where log lines go: JSON lines into a pipe, readable ones onto a terminal. Written at once, so that none is lost with the process;
// a reader that is gone ends the log, never the fleet.
import { destination, type Logger, pino, stdTimeFunctions } from 'pino';
import type { Config } from '../config/config.js';
import { type Line, readable } from './readable.js';
import { leadsToJournal, prioritized } from './systemd/journal.js';

export type Log = Logger;

/** `remember` hears each line as JSON; `isAmong` says whether other apps print to the same place, so that a reader must be told whose a line is. */
export function openLog(
  config: Pick<Config, 'logs'> & { readonly name: string | undefined },
  remember: (line: string) => void = () => {},
  isAmong: () => boolean = () => false,
): Log {
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
      : (json: string) => `${readable(JSON.parse(json) as Line, isAmong())}\n`;
  const toJournal = leadsToJournal(1, process.env);
  return pino(options, {
    write(json: string) {
      remember(json.slice(0, -1));
      const text = print(json);
      out.write(toJournal ? prioritized(/"level":"(\w+)"/.exec(json)?.[1] ?? 'info', text) : text);
    },
  });
}
