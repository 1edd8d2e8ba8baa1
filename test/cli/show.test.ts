// What is shown, and how it fits: pure.
import { stripVTControlCharacters } from 'node:util';
import test from 'ava';
import { bars } from '../../cli/bars.js';
import { workerIn } from '../../cli/find.js';
import { table } from '../../cli/table.js';
import { blank, draw, keyed, type Screen, seen } from '../../cli/top-screen.js';
import { fleetLines, isHealthy } from '../../cli/view.js';
import { age, harmless, number, percent, plural, size } from '../../cli/words.js';
import type { StatusReply, WorkerReply } from '../../supervisor/control/protocol.js';

const worker = (id: number, change: Partial<WorkerReply> = {}): WorkerReply => ({
  id,
  slot: id - 1,
  generation: 12,
  pid: 4_194_000 + id,
  phase: 'ready',
  because: undefined,
  since: 0,
  addresses: ['*:3000'],
  uptimeMs: 3_600_000,
  errors: 3,
  restarts: 2,
  lastEnd: 'fault, exit code 81',
  cpu: 0.25,
  rssBytes: 100 * 1024 ** 2,
  requests: 1000 * id,
  inFlight: 4,
  utilisation: 0.5,
  ...change,
});

const status = (workers: readonly WorkerReply[], change: Partial<StatusReply> = {}): StatusReply => ({
  version: 1,
  name: 'api',
  script: '/srv/api.js',
  pid: 4_194_303,
  cordon: '1.0.0',
  node: '24.0.0',
  beside: [],
  waitsFor: [],
  since: 0,
  uptimeMs: 5000,
  state: 'serving',
  ready: true,
  maintenance: false,
  generation: 12,
  size: workers.length,
  serving: workers.length,
  standby: 0,
  slots: [],
  errors: { incidents: 2, new: 2, known: 0, resolved: 0, returned: 0, forgotten: 0 },
  workers,
  ...change,
});

const many = Array.from({ length: 16 }, (_, i) => worker(i + 1));
const wide = (line: string): number => stripVTControlCharacters(line).length;

test('the table of status fits 80 columns, and its titles stand over its cells', (t) => {
  const lines = fleetLines(status(many), 80).slice(1);
  t.is(lines.length, 17);
  for (const line of lines) t.true(wide(line) <= 80, line);
  const [titles = '', first = ''] = lines.map(stripVTControlCharacters);
  t.is(titles.indexOf('PHASE'), first.indexOf('ready'));
  t.is(titles.indexOf('RESTARTS'), first.indexOf('2 (fault'));
});

test('where room is short, columns go in the order of their weight, and then the last one is cut', (t) => {
  const rows = [{ a: 'one', b: 'two', c: 'a long text that is cut in the end' }];
  const columns = [
    { title: 'A', cell: (row: (typeof rows)[0]) => row.a },
    { title: 'B', cell: (row: (typeof rows)[0]) => row.b, spare: 1 },
    { title: 'C', cell: (row: (typeof rows)[0]) => row.c, cut: true },
  ];
  const shown = (width?: number): string => stripVTControlCharacters(table(rows, columns, width)[1] ?? '');
  t.is(shown(), 'one  two  a long text that is cut in the end');
  t.is(shown(30), 'one  two  a long text that is…');
  t.is(shown(22), 'one  a long text that…');
  t.deepEqual(
    table([{ a: '', b: 'x', c: '' }], columns, 80).map(stripVTControlCharacters),
    ['B', 'x'],
    'empty columns go',
  );
});

test('a fleet that is degraded, that stops, or of which no worker serves is unwell', (t) => {
  const states = ['serving', 'starting', 'reloading', 'degraded', 'stopping'] as const;
  t.deepEqual(
    states.filter((state) => !isHealthy({ state, serving: 1 })),
    ['degraded', 'stopping'],
  );
  t.deepEqual(
    states.filter((state) => isHealthy({ state, serving: 0 })),
    [],
  );
});

test('figures as people read them', (t) => {
  t.deepEqual([0, 59_999, 60_000, 3_900_000, 40_000_000, 90_000_000].map(age), [
    '0s',
    '59s',
    '1m',
    '1h5m',
    '11h',
    '1d',
  ]);
  t.deepEqual([512, 2048, 3 * 1024 ** 2, 1.5 * 1024 ** 3].map(size), ['512B', '2K', '3M', '1.5G']);
  t.deepEqual([9999, 12_345, 2_500_000].map(number), ['9999', '12.3k', '2.5M']);
  t.deepEqual(
    [percent(0.126), percent(undefined), plural(1, 'worker'), plural(2, 'worker')],
    ['13%', '', '1 worker', '2 workers'],
  );
  t.is(bars([0, 1, 2, 4], 1, true), '▁▃▅█');
  t.is(bars([0, 0.1], 1, false), '_.');
  t.is(harmless('a\u001b[2Jb\nc'), 'a\ufffd[2Jb\ufffdc');
});

test('a worker is named by its id, with its fleet where that is needed', (t) => {
  for (const [words, name] of [
    [['3'], undefined],
    [['#3'], undefined],
    [['api', '3'], 'api'],
    [['api#3'], 'api'],
  ] as const)
    t.deepEqual(workerIn(words), { name, id: 3 });
  for (const words of [[], ['api'], ['api', 'x'], ['3', '4', '5']])
    t.is(workerIn(words)?.id === 3, false, words.join(' '));
});

const watched = (screen: Screen = blank): Screen => seen(screen, status(many.slice(0, 4)), 1);

test('top fills the terminal exactly, whatever its size', (t) => {
  const screen = {
    ...watched(watched()),
    events: Array.from({ length: 20 }, (_, i) => `12:00:00 event ${i} ${'x'.repeat(200)}`),
  };
  for (const [columns, rows] of [
    [80, 24],
    [40, 10],
    [200, 60],
    [20, 5],
  ] as const)
    for (const pane of ['workers', 'errors'] as const) {
      const lines = draw({ ...screen, pane }, columns, rows, 0, true);
      t.is(lines.length, rows, `${columns}x${rows} ${pane}`);
      for (const line of lines) t.true(wide(line) <= columns, `${columns}: ${line}`);
    }
  t.is(draw(blank, 80, 24, 0, true).length, 24);
});

/** As a terminal with colours is written to. */
function coloured<Result>(draws: () => Result): Result {
  const { FORCE_COLOR: before } = process.env;
  process.env['FORCE_COLOR'] = '1';
  try {
    return draws();
  } finally {
    if (before === undefined) delete process.env['FORCE_COLOR'];
    else process.env['FORCE_COLOR'] = before;
  }
}

test('no line of top is wider than a terminal with colours, and at 80 columns each row of bars is whole', (t) => {
  let screen = watched();
  for (let second = 0; second < 30; second++) screen = seen(screen, status(many), 1);
  for (const columns of [80, 40, 20])
    for (const line of coloured(() => draw(screen, columns, 24, 0, true)))
      t.true(wide(line) <= columns, `${columns}: ${JSON.stringify(line)}`);
  const lines = coloured(() => draw(screen, 80, 24, 0, true));
  t.true(lines[1]?.includes('\u001b['), 'it has colours');
  t.regex(stripVTControlCharacters(lines[1] ?? ''), /^CPU \S+ \d+% {2}REQ\/S \S+ 0 {2}ELU \S+ 50%$/);
});

test('where top has no room for all workers it shows those about the chosen one, and no event in their place', (t) => {
  const screen = {
    ...seen(blank, status(Array.from({ length: 40 }, (_, i) => worker(i + 1))), 1),
    events: Array.from({ length: 20 }, (_, i) => `12:00:00 event ${i}`),
  };
  for (const chosen of [1, 20, 40]) {
    const lines = draw({ ...screen, chosen }, 80, 24, 0, true).map(stripVTControlCharacters);
    t.regex(lines[0] ?? '', /^api serving/);
    t.is(lines.filter((line) => /^[> ] +\d+ +\d+ /.test(line)).length, 18);
    t.regex(lines.find((line) => line.startsWith('>')) ?? '', new RegExp(`^> +${chosen} `));
    t.false(lines.some((line) => line.includes('event')));
  }
});

test('top shows each worker, the chosen one marked, requests a second, and the keys', (t) => {
  const before = watched();
  const after = seen(
    before,
    status(many.slice(0, 4).map((one) => ({ ...one, requests: (one.requests ?? 0) + 50 }))),
    2,
  );
  const text = draw(after, 80, 24, 0, true).map(stripVTControlCharacters);
  t.is(text.filter((line) => /^[> ] +\d+ +\d+ /.test(line)).length, 4);
  t.regex(text.find((line) => line.startsWith('>')) ?? '', /^> +1 /);
  t.true(
    text.some((line) => /REQ\/S .* 100 /.test(line)),
    text[1],
  );
  t.regex(text.at(-1) ?? '', /^q quit/);
});

const chosen = (key: string, from: Screen): number | undefined => {
  const asked = keyed(from, key);
  return asked?.type === 'show' ? asked.screen.chosen : undefined;
};

test('the keys of top: choose, drain, reload, scale, errors, quit', (t) => {
  const screen = watched();
  t.is(chosen('j', screen), 2);
  t.is(chosen('\u001b[B', { ...screen, chosen: 4 }), 4, 'there is none below the last');
  t.is(chosen('k', screen), 1);
  t.deepEqual(keyed({ ...screen, chosen: 3 }, 'd'), { type: 'drain', worker: 3 });
  t.deepEqual(
    ['r', '+', '-', 'q', '\u0003'].map((key) => keyed(screen, key)?.type),
    ['reload', 'more', 'fewer', 'quit', 'quit'],
  );
  t.is(keyed(screen, 'x'), undefined);
  t.is(keyed(blank, 'd'), undefined, 'nobody is chosen yet');
});

test('a chosen worker that is gone gives way to the first', (t) => {
  t.is(seen({ ...watched(), chosen: 9 }, status([worker(7), worker(8)]), 1).chosen, 7);
});
