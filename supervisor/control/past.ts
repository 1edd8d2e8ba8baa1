// GET /v1/events and /v1/logs: the recent past, filtered, and what comes after it.
import type { ServerResponse } from 'node:http';
import { LEVELS } from '../logs/fields.js';
import { wantedBy } from '../logs/wanted.js';
import type { DroppedLine, PastLine } from './protocol.js';
import { checkQuery, Refused } from './reply.js';
import type { Ring } from './ring.js';
import { LineStream } from './stream.js';

const LAST_ID = 'last-event-id';
/** Numbers of lines begin anew with every supervisor. */
const EPOCH = Math.round(performance.timeOrigin).toString(36);

/** A reader takes lines from the ring at its own speed. One that is slower than what comes in misses the oldest, and is told how many. */
export function showPast(ring: Ring, query: URLSearchParams, response: ServerResponse): void {
  const asked = read(query);
  const { wanted, lines, mark } = asked;
  const stream = new LineStream(response);
  const follow = asked.follow ?? stream.isEvents;
  const { [LAST_ID]: last } = response.req.headers;
  const now = ring.next;
  let at = Math.min((stream.isEvents ? after(last) : undefined) ?? beginning(ring, wanted, lines), now);
  let marked = !mark;
  const sayPast = (): void => {
    if (!marked) stream.write(JSON.stringify({ past: true } satisfies PastLine));
    marked = true;
  };
  const pump = (): void => {
    while (at < ring.next && !stream.isFull) {
      if (at < ring.first) {
        const missed: DroppedLine = { dropped: ring.first - at };
        at = ring.first;
        stream.write(JSON.stringify(missed));
      }
      if (at >= now) sayPast();
      const id = `${EPOCH}-${at}`;
      const line = ring.at(at++);
      if (wanted(line)) stream.write(line, id);
    }
    if (at >= now && !stream.isFull) sayPast();
    if (at >= ring.next && marked && !follow) stream.end();
  };
  stream.onRoom(pump);
  if (follow) stream.onClose(ring.follow(pump));
  pump();
}

/** The line behind the one that a reader of events has had last, from this very supervisor. */
function after(last: string | string[] | undefined): number | undefined {
  const [, epoch, number] = /^([a-z0-9]+)-(\d{1,15})$/.exec(String(last)) ?? [];
  return epoch === EPOCH ? Number(number) + 1 : undefined;
}

/** Where the last so many lines begin that are wanted. */
function beginning(ring: Ring, wanted: (line: string) => boolean, lines: number): number {
  let at = ring.next;
  for (let found = 0; at > ring.first && found < lines; at--) if (wanted(ring.at(at - 1))) found++;
  return at;
}

interface Wanted {
  readonly wanted: (line: string) => boolean;
  readonly lines: number;
  /** Undefined where nothing was said. */
  readonly follow: boolean | undefined;
  readonly mark: boolean;
}

function read(query: URLSearchParams): Wanted {
  checkQuery(query, ['follow', 'lines', 'since', 'worker', 'level', 'mark']);
  const since = wholeNumber(query, 'since');
  const worker = wholeNumber(query, 'worker');
  const lines = wholeNumber(query, 'lines') ?? Number.MAX_SAFE_INTEGER;
  const level = query.get('level');
  const known = LEVELS.find((one) => one === level);
  if (level !== null && known === undefined) throw new Refused(400, `level: expected one of ${LEVELS.join(', ')}`);
  const said = (key: string): boolean => query.has(key) && query.get(key) !== 'false';
  const follow = query.has('follow') ? said('follow') : undefined;
  return { wanted: wantedBy({ since, worker, level: known }), lines, follow, mark: said('mark') };
}

function wholeNumber(query: URLSearchParams, key: string): number | undefined {
  const text = query.get(key);
  if (text === null) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new Refused(400, `${key}: expected a whole number`);
  return Number(text);
}
