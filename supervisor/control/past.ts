// GET /v1/events and /v1/logs: the recent past, filtered, and what comes after it.
import type { ServerResponse } from 'node:http';
import type { DroppedLine } from './protocol.js';
import { Refused } from './reply.js';
import type { Ring } from './ring.js';
import { LineStream } from './stream.js';

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
const KNOWN = ['follow', 'lines', 'since', 'worker', 'level'];

const LAST_ID = 'last-event-id';
/** Numbers of lines begin anew with every supervisor. */
const EPOCH = Math.round(performance.timeOrigin).toString(36);

interface Line {
  readonly time?: string;
  readonly level?: string;
  readonly worker?: number;
}

/** A reader takes lines from the ring at its own speed. One that is slower than what comes in misses the oldest, and is told how many. */
export function showPast(ring: Ring, query: URLSearchParams, response: ServerResponse): void {
  const asked = read(query);
  const { wanted, lines } = asked;
  const stream = new LineStream(response);
  const follow = asked.follow ?? stream.isEvents;
  const { [LAST_ID]: last } = response.req.headers;
  let at = Math.min((stream.isEvents ? after(last) : undefined) ?? beginning(ring, wanted, lines), ring.next);
  const pump = (): void => {
    while (at < ring.next && !stream.isFull) {
      if (at < ring.first) {
        const missed: DroppedLine = { dropped: ring.first - at };
        at = ring.first;
        stream.write(JSON.stringify(missed));
      }
      const id = `${EPOCH}-${at}`;
      const line = ring.at(at++);
      if (wanted(line)) stream.write(line, id);
    }
    if (at >= ring.next && !follow) stream.end();
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
}

function read(query: URLSearchParams): Wanted {
  for (const key of query.keys())
    if (!KNOWN.includes(key))
      throw new Refused(400, `unknown ${JSON.stringify(key.slice(0, 60))}; known here: ${KNOWN.join(', ')}`);
  const since = wholeNumber(query, 'since');
  const worker = wholeNumber(query, 'worker');
  const lines = wholeNumber(query, 'lines') ?? Number.MAX_SAFE_INTEGER;
  const level = query.get('level');
  const least = level === null ? 0 : LEVELS.indexOf(level);
  if (least < 0) throw new Refused(400, `level: expected one of ${LEVELS.join(', ')}`);
  const follow = query.has('follow') ? query.get('follow') !== 'false' : undefined;
  if (since === undefined && worker === undefined && least === 0) return { wanted: () => true, lines, follow };
  const wanted = (text: string): boolean => {
    const line = JSON.parse(text) as Line;
    if (worker !== undefined && line.worker !== worker) return false;
    if (since !== undefined && Date.parse(line.time ?? '') < since) return false;
    return LEVELS.indexOf(line.level ?? '') >= least;
  };
  return { wanted, lines, follow };
}

function wholeNumber(query: URLSearchParams, key: string): number | undefined {
  const text = query.get(key);
  if (text === null) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new Refused(400, `${key}: expected a whole number`);
  return Number(text);
}
