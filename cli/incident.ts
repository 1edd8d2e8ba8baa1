// One incident as text: what it is, how often, who met it, and where it was thrown.
import { styleText } from 'node:util';
import type { IncidentDetail } from '../supervisor/incidents/incidents.js';
import { harmless, number, plural } from './words.js';

type Frame = IncidentDetail['frames'][number];
type Occurrence = IncidentDetail['first'];
const MAX_SHOWN = 5;

export function incidentLines(incident: IncidentDetail): string[] {
  const { id, state, name, message, count, handled, firstSeen, lastSeen, releases, workers, first, recent } = incident;
  const met = [...recent, first];
  const more = met.length - MAX_SHOWN;
  return [
    bold(harmless(`${name}: ${firstLine(message)}`)),
    `incident ${id}, ${state}, ${plural(count, 'time')}${handled > 0 ? `, ${number(handled)} of them handled` : ''}`,
    `first ${firstSeen}, last ${lastSeen}`,
    `in ${releases.map(({ generation, count: times }) => `generation ${generation} (${number(times)})`).join(', ')}`,
    `by ${workers.map(({ worker, count: times }) => `worker ${worker} (${number(times)})`).join(', ')}`,
    '',
    ...stackLines(incident),
    ...codeLines(incident),
    ...incident.causes.flatMap((cause) => [
      '',
      `${cause.as === 'errors' ? 'one of its errors' : 'caused by'}: ${harmless(`${cause.name}: ${firstLine(cause.message)}`)}`,
      ...cause.frames.map(frameLine),
    ]),
    '',
    bold('Met by'),
    ...met.slice(0, MAX_SHOWN).flatMap(occurrenceLines),
    ...(more > 0 ? [`and ${more} more: \`--json\` has them all`] : []),
  ];
}

const bold = (text: string): string => styleText('bold', text, { stream: process.stdout });
const dim = (text: string): string => styleText('dim', text, { stream: process.stdout });
const firstLine = (text: string): string => text.split('\n', 1)[0] ?? '';

const stackLines = ({ frames, stack }: IncidentDetail): string[] =>
  frames.length > 0 ? frames.map(frameLine) : (stack?.split('\n').map(harmless) ?? ['(it has no stack)']);

/** What is not the program's own is there, and stands back. */
function frameLine({ name, file, line, column, own, mapped }: Frame): string {
  const at = mapped ?? { file, line, column };
  const place = at.line > 0 ? `${at.file}:${at.line}:${at.column}` : at.file;
  const text = harmless(`    at ${name === '' ? place : `${name} (${place})`}`);
  return own ? text : dim(text);
}

function codeLines({ excerpt, frames }: IncidentDetail): string[] {
  if (excerpt.length === 0) return [];
  const top = frames.find(({ own }) => own);
  const thrown = top?.mapped?.line ?? top?.line;
  const wide = Math.max(...excerpt.map(({ line }) => String(line).length));
  return [
    '',
    ...excerpt.map(
      ({ line, text }) => `${line === thrown ? '>' : ' '} ${String(line).padStart(wide)} | ${harmless(text)}`,
    ),
  ];
}

function occurrenceLines({ at, worker, generation, origin, request }: Occurrence): string[] {
  const who = `${at}  worker ${worker}, generation ${generation}`;
  if (!request) return [`${who}: no request to blame (${origin})`];
  const { method, path, id, status, durationMs, headers } = request;
  const fate = status === undefined ? 'not answered' : `answered ${status}`;
  return [
    harmless(`${who}: ${method} ${path}, ${fate} after ${Math.round(durationMs)} ms (request ${id})`),
    ...Object.entries(headers).map(([name, value]) => dim(harmless(`    ${name}: ${value}`))),
  ];
}
