// Where log lines go: JSON lines into a pipe, readable ones onto a terminal. Written at once, so that none is lost with the process;
// a reader that is gone ends the log, never the fleet.
import { styleText } from 'node:util';
import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from 'pino';
import type { Config } from '../config/config.js';
import { leadsToJournal, prioritized } from './systemd/journal.js';

export type Log = Logger;

export function openLog(config: Pick<Config, 'name' | 'logs'>): Log {
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
  const write = leadsToJournal(1, process.env)
    ? (line: string, level: string) => void out.write(prioritized(level, line))
    : (line: string) => void out.write(line);
  if (config.logs.format !== 'json') return pino(options, readable(write));
  return pino(options, { write: (json: string) => write(json, /"level":"(\w+)"/.exec(json)?.[1] ?? 'info') });
}

interface Line {
  readonly level: string;
  readonly time: string;
  readonly msg?: string;
  readonly app: string;
  readonly worker?: number;
  readonly stream?: string;
  readonly stack?: string;
}

/** For a terminal: time, worker, sentence; the fields are left to JSON. */
function readable(write: (line: string, level: string) => void): DestinationStream {
  return {
    write(json: string) {
      const { level, time, msg = '', worker, stream, stack } = JSON.parse(json) as Line;
      const who = worker === undefined ? 'cordon' : stream === undefined ? `cordon #${worker}` : `#${worker}`;
      const whole = stack === undefined ? msg : `${msg}\n${beneath(msg, stack).replace(/^ */gm, '    ')}`;
      const text = stream === undefined ? harmless(whole) : whole;
      write(
        `${styleText('dim', new Date(time).toTimeString().slice(0, 8))} ${tint(level, stream, who.padEnd(10))} ${text}\n`,
        level,
      );
    },
  };
}

/** An error's message may quote what a client sent: nothing of that may steer a terminal. */
// oxlint-disable-next-line no-control-regex
const harmless = (text: string): string => text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\ufffd');

/** A stack begins with the error's name and message, which the sentence above it has just said. */
function beneath(sentence: string, stack: string): string {
  const [head = '', ...rest] = stack.split('\n');
  return sentence.startsWith(head) && rest.length > 0 ? rest.join('\n') : stack;
}

function tint(level: string, stream: string | undefined, who: string): string {
  if (level === 'error' || level === 'fatal') return styleText('red', who);
  if (stream !== undefined) return styleText('cyan', who);
  return level === 'warn' ? styleText('yellow', who) : styleText('green', who);
}
