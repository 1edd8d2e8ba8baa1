// GET /v1/events and /v1/logs: the recent past, filtered, and what comes after it.
import type { ServerResponse } from 'node:http';
import { LEVELS, levelOf, momentOf } from '../logs/fields.js';
import type { DroppedLine } from './protocol.js';
import { Refused } from './reply.js';
import type { Ring } from './ring.js';
import { LineStream } from './stream.js';

const KNOWN = ['follow', 'lines', 'since', 'worker', 'level'];

interface Line {
  readonly time?: unknown;
  readonly level?: unknown;
  readonly worker?: number;
}

/** A reader takes lines from the ring at its own speed. One that is slower than what comes in misses the oldest, and is told how many. */
export function showPast(ring: Ring, query: URLSearchParams, response: ServerResponse): void {
  const { wanted, lines, follow } = read(query);
  let at = beginning(ring, wanted, lines);
  const stream = new LineStream(response);
  const pump = (): void => {
    while (at < ring.next && !stream.isFull) {
      if (at < ring.first) {
        const missed: DroppedLine = { dropped: ring.first - at };
        at = ring.first;
        stream.write(JSON.stringify(missed));
      }
      const line = ring.at(at++);
      if (wanted(line)) stream.write(line);
    }
    if (at >= ring.next && !follow) stream.end();
  };
  stream.onRoom(pump);
  if (follow) stream.onClose(ring.follow(pump));
  pump();
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
  readonly follow: boolean;
}

function read(query: URLSearchParams): Wanted {
  for (const key of query.keys())
    if (!KNOWN.includes(key))
      throw new Refused(400, `unknown ${JSON.stringify(key.slice(0, 60))}; known here: ${KNOWN.join(', ')}`);
  const since = wholeNumber(query, 'since');
  const worker = wholeNumber(query, 'worker');
  const lines = wholeNumber(query, 'lines') ?? Number.MAX_SAFE_INTEGER;
  const level = query.get('level');
  const least = level === null ? 0 : LEVELS.findIndex((one) => one === level);
  if (least < 0) throw new Refused(400, `level: expected one of ${LEVELS.join(', ')}`);
  const follow = query.has('follow') && query.get('follow') !== 'false';
  if (since === undefined && worker === undefined && least === 0) return { wanted: () => true, lines, follow };
  const wanted = (text: string): boolean => {
    const line = JSON.parse(text) as Line;
    if (worker !== undefined && line.worker !== worker) return false;
    if (since !== undefined && momentOf(line.time) < since) return false;
    return LEVELS.indexOf(levelOf(line.level)) >= least;
  };
  return { wanted, lines, follow };
}

function wholeNumber(query: URLSearchParams, key: string): number | undefined {
  const text = query.get(key);
  if (text === null) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new Refused(400, `${key}: expected a whole number`);
  return Number(text);
}
