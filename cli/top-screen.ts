// What `top` shows, and what its keys mean. Pure: from what is known and the size of the terminal to lines.
import { styleText } from 'node:util';
import type { ErrorsReply, StatusReply } from '../supervisor/control/protocol.js';
import { bars } from './bars.js';
import { cut, table } from './table.js';
import { head, workerColumns } from './view.js';
import { age, harmless, number, percent } from './words.js';

/** So many seconds of the past, where there is room. */
const PAST = 20;
/** More than a screen has room for. */
export const MOST_ERRORS = 50;
/** What stands beside the rows of bars: `CPU  100%  REQ/S  12.3k  ELU  100%`. */
const WORDS = 34;

export interface Screen {
  readonly status: StatusReply | undefined;
  readonly errors: ErrorsReply | undefined;
  readonly events: readonly string[];
  readonly past: Past;
  /** The id of the chosen worker. */
  readonly chosen: number | undefined;
  readonly pane: 'workers' | 'errors';
  readonly notice: string;
}

/** Figures of the fleet, one for each second; those that nobody counts stay empty. */
export interface Past {
  readonly cpu: readonly number[];
  readonly rate: readonly number[];
  readonly utilisation: readonly number[];
}

export const blank: Screen = {
  status: undefined,
  errors: undefined,
  events: [],
  past: { cpu: [], rate: [], utilisation: [] },
  chosen: undefined,
  pane: 'workers',
  notice: '',
};

/** What is known a second later. */
export function seen(screen: Screen, status: StatusReply, seconds: number): Screen {
  const { workers } = status;
  const before = screen.status && requestsOf(screen.status);
  const now = requestsOf(status);
  const rate = before !== undefined && now !== undefined ? [Math.max(0, now - before) / Math.max(0.1, seconds)] : [];
  const busy = workers.flatMap(({ utilisation }) => utilisation ?? []);
  const chosen = workers.some(({ id }) => id === screen.chosen) ? screen.chosen : workers[0]?.id;
  return {
    ...screen,
    status,
    chosen,
    past: {
      cpu: last([...screen.past.cpu, workers.reduce((sum, { cpu = 0 }) => sum + cpu, 0)]),
      rate: last([...screen.past.rate, ...rate]),
      utilisation: last([
        ...screen.past.utilisation,
        ...(busy.length > 0 ? [busy.reduce((sum, share) => sum + share, 0) / busy.length] : []),
      ]),
    },
  };
}

const last = (figures: readonly number[]): readonly number[] => figures.slice(-PAST);

function requestsOf({ workers }: StatusReply): number | undefined {
  const counts = workers.flatMap(({ requests }) => requests ?? []);
  return counts.length === 0 ? undefined : counts.reduce((sum, count) => sum + count, 0);
}

export type Key =
  | { readonly type: 'quit' }
  | { readonly type: 'reload' | 'more' | 'fewer' }
  | { readonly type: 'drain'; readonly worker: number }
  | { readonly type: 'show'; readonly screen: Screen };

/** What a key asks for; undefined for those that mean nothing. */
export function keyed(screen: Screen, key: string): Key | undefined {
  const ids = screen.status?.workers.map(({ id }) => id) ?? [];
  const at = ids.indexOf(screen.chosen ?? -1);
  const choose = (next: number): Key => ({
    type: 'show',
    screen: { ...screen, chosen: ids[Math.min(Math.max(next, 0), ids.length - 1)] },
  });
  switch (key) {
    case 'q':
    case '\u0003':
      return { type: 'quit' };
    case 'j':
    case '\u001b[B':
      return choose(at + 1);
    case 'k':
    case '\u001b[A':
      return choose(at - 1);
    case 'd':
      return screen.chosen === undefined ? undefined : { type: 'drain', worker: screen.chosen };
    case 'r':
      return { type: 'reload' };
    case '+':
      return { type: 'more' };
    case '-':
      return { type: 'fewer' };
    case 'e':
      return { type: 'show', screen: { ...screen, pane: screen.pane === 'errors' ? 'workers' : 'errors' } };
    default:
      return undefined;
  }
}

const KEYS = 'q quit  j k choose  d drain  r reload  + - scale  e errors';

/** Exactly `rows` lines, none wider than `columns`. */
export function draw(screen: Screen, columns: number, rows: number, now: number, unicode?: boolean): string[] {
  const { status, past, notice } = screen;
  if (!status) return fit(['', '  waiting for the supervisor'], columns, rows);
  const wide = Math.max(1, Math.min(PAST, Math.floor((columns - WORDS) / 3)));
  const row = (figure: readonly number[], least: number): string => spark(figure, least, wide, unicode);
  const figures = [
    `CPU ${row(past.cpu, 1)} ${percent(past.cpu.at(-1))}`,
    ...(past.rate.length > 0 ? [`REQ/S ${row(past.rate, 10)} ${number(Math.round(past.rate.at(-1) ?? 0))}`] : []),
    ...(past.utilisation.length > 0 ? [`ELU ${row(past.utilisation, 1)} ${percent(past.utilisation.at(-1))}`] : []),
  ].join('  ');
  const body = screen.pane === 'errors' ? errorLines(screen, columns, now) : workerLines(screen, columns);
  const told = Math.max(0, Math.min(screen.events.length, 6, rows - body.length - 6));
  const events = screen.events.slice(screen.events.length - told);
  const room = rows - told - 2;
  const top = fit([head(status), figures, '', ...around(screen, body, room - 3)], columns, room);
  return [
    ...top,
    ...fit(events.map(harmless), columns, events.length),
    '',
    ...fit([notice === '' ? KEYS : harmless(notice)], columns, 1),
  ].slice(-rows);
}

function workerLines({ status, chosen }: Screen, columns: number): string[] {
  const workers = status?.workers ?? [];
  const [titles = '', ...lines] = table(workers, workerColumns, columns - 2);
  return [`  ${titles}`, ...lines.map((line, i) => `${workers[i]?.id === chosen ? '>' : ' '} ${line}`)];
}

/** Where not all workers have room, those about the chosen one. */
function around({ status, chosen, pane }: Screen, [titles = '', ...lines]: readonly string[], rows: number): string[] {
  const room = Math.max(0, rows - 1);
  const at = pane === 'errors' ? 0 : (status?.workers ?? []).findIndex(({ id }) => id === chosen);
  const from = Math.max(0, Math.min(at - Math.floor(room / 2), lines.length - room));
  return [titles, ...lines.slice(from, from + room)];
}

function errorLines({ errors }: Screen, columns: number, now: number): string[] {
  const incidents = errors?.incidents ?? [];
  if (incidents.length === 0) return ['  no errors'];
  return table(
    incidents.slice(0, MOST_ERRORS),
    [
      { title: 'ID', cell: ({ id }) => id },
      { title: 'COUNT', cell: ({ count }) => number(count), align: 'right' },
      { title: 'LAST', cell: ({ lastSeen }) => age(now - Date.parse(lastSeen)), align: 'right' },
      { title: 'ERROR', cell: ({ name, message }) => harmless(`${name}: ${message.split('\n', 1)[0]}`), cut: true },
    ],
    columns - 2,
  ).map((line) => `  ${line}`);
}

function fit(lines: readonly string[], columns: number, rows: number): string[] {
  const shown = lines.slice(0, Math.max(0, rows)).map((line) => cutColoured(line, columns));
  return [...shown, ...Array.from({ length: Math.max(0, rows - shown.length) }, () => '')];
}

/** Sequences take no room, and what was coloured ends so. */
function cutColoured(line: string, columns: number): string {
  // oxlint-disable-next-line no-control-regex
  const parts = line.split(/(\u001b\[[\d;]*m)/);
  let room = columns;
  const kept = parts.map((part) => {
    if (part.startsWith('\u001b[')) return part;
    const text = room > 0 ? cut(part, room) : '';
    room -= text.length;
    return text;
  });
  return kept.join('');
}

const spark = (figures: readonly number[], least: number, wide: number, unicode?: boolean): string =>
  styleText('cyan', bars(figures.slice(-wide), least, unicode).padStart(wide), { stream: process.stdout });
