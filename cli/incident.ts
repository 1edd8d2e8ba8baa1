// One incident as text: what it is, how often, who met it, and where it was thrown.
import { styleText } from 'node:util';
import type { IncidentReply } from '../supervisor/control/protocol.js';
import type { ErrorReport } from '../worker/protocol.js';
import { harmless, plural } from './words.js';

export interface Incident extends IncidentReply {
  readonly first: ErrorReport;
  readonly last: ErrorReport;
}

export function incidentLines({ id, name, message, count, firstSeen, lastSeen, first, last }: Incident): string[] {
  const met = [...new Set([first, last].flatMap((report) => requestOf(report)))];
  return [
    styleText('bold', harmless(`${name}: ${message.split('\n', 1)[0]}`)),
    `incident ${id}, ${plural(count, 'time')}`,
    `first ${firstSeen}`,
    `last  ${lastSeen}`,
    ...met.map((request) => `met by ${request}`),
    '',
    ...stackOf(last),
    ...last.causes.flatMap((cause) => [
      '',
      `caused by ${harmless(`${cause.name}: ${cause.message}`)}`,
      ...frames(cause.stack),
    ]),
  ];
}

const requestOf = ({ request }: ErrorReport): string[] =>
  request ? [harmless(`${request.method} ${request.path} (request ${request.id})`)] : [];

const stackOf = ({ stack }: ErrorReport): string[] =>
  stack === undefined ? ['(it has no stack)'] : stack.split('\n').map(harmless);
const frames = (stack = ''): string[] =>
  stack
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .map(harmless);
