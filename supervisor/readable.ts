// A log line as people read it: on the supervisor's own terminal, and in `cordon logs`.
import { styleText } from 'node:util';
import { levelOf, momentOf } from './logs/fields.js';

/** One of ours, or one that a program's own logger wrote: then `level`, `time` and `msg` are what that logger makes of them. */
export interface Line {
  readonly level: unknown;
  readonly time: unknown;
  readonly msg?: unknown;
  readonly message?: unknown;
  readonly app?: string;
  readonly worker?: number;
  readonly stream?: string;
  readonly stack?: unknown;
}

/** Time, worker, sentence; the fields are left to JSON. `isAmong`: lines of other apps stand beside it. */
export function readable(line: Line, isAmong = false): string {
  const { app, worker, stream } = line;
  const level = levelOf(line.level);
  const msg = textOf(line.msg ?? line.message ?? restOf(line));
  const stack = typeof line.stack === 'string' ? line.stack : undefined;
  const whose = isAmong && app !== undefined ? `${app} ` : '';
  const seat = worker === undefined ? 'cordon' : stream === undefined ? `cordon #${worker}` : `#${worker}`;
  const who = whose + seat;
  const whole = stack === undefined ? msg : `${msg}\n${beneath(msg, stack).replace(/^ */gm, '    ')}`;
  const text = stream === undefined ? harmless(whole) : coloured(whole);
  return `${styleText('dim', clock(line.time))} ${tint(level, stream, who.padEnd(10))} ${text}`;
}

/** An object without a sentence is shown by what else it has. */
function restOf(line: Line): string {
  const known = ['level', 'time', 'app', 'worker', 'slot', 'generation', 'stream', 'pid', 'hostname', 'stack'];
  const rest = Object.entries(line).filter(([name]) => !known.includes(name));
  return rest.length === 0 ? '' : JSON.stringify(Object.fromEntries(rest));
}

const textOf = (said: unknown): string =>
  typeof said === 'string' ? said : said === undefined ? '' : (JSON.stringify(said) ?? '');

function clock(time: unknown): string {
  const at = new Date(momentOf(time));
  return Number.isNaN(at.getTime()) ? '--:--:--' : at.toTimeString().slice(0, 8);
}

/** An error's message may quote what a client sent: nothing of that may steer a terminal. */
// oxlint-disable-next-line no-control-regex
const harmless = (text: string): string => text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\ufffd');

/** A program may colour what it prints. What else a terminal obeys may be what its clients sent. */
const coloured = (text: string): string =>
  // oxlint-disable-next-line no-control-regex
  text.replace(/\u001b\[[\d;]*m|[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (found) =>
    found.length > 1 ? found : '\ufffd',
  );

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
