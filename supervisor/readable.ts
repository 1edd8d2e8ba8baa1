// A log line as people read it: on the supervisor's own terminal, and in `cordon logs`.
import { styleText } from 'node:util';

export interface Line {
  readonly level: string;
  readonly time: string;
  readonly msg?: string;
  readonly app?: string;
  readonly worker?: number;
  readonly stream?: string;
  readonly stack?: string;
}

/** Time, worker, sentence; the fields are left to JSON. `isAmong`: lines of other apps stand beside it. */
export function readable({ level, time, app, msg = '', worker, stream, stack }: Line, isAmong = false): string {
  const whose = isAmong && app !== undefined ? `${app} ` : '';
  const seat = worker === undefined ? 'cordon' : stream === undefined ? `cordon #${worker}` : `#${worker}`;
  const who = whose + seat;
  const whole = stack === undefined ? msg : `${msg}\n${beneath(msg, stack).replace(/^ */gm, '    ')}`;
  const text = stream === undefined ? harmless(whole) : whole;
  return `${styleText('dim', new Date(time).toTimeString().slice(0, 8))} ${tint(level, stream, who.padEnd(10))} ${text}`;
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
