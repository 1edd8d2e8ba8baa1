// logs, events and errors, through the real command and a real fleet.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import test from 'ava';
import type { ErrorsReply } from '../../supervisor/control/protocol.js';
import { ask as get } from '../support/client.js';
import { ask, cordon, within } from '../support/cordon.js';
import { fixture, main, startFleet } from '../support/fleet.js';
import { until } from '../support/until.js';

const busy = fixture('process/busy.mjs');
const linesOf = (out: string): string[] => out.split('\n').filter((line) => line !== '');

test('logs shows the recent past: what workers printed and what the supervisor said', async (t) => {
  const fleet = startFleet(t, [busy, '-w', '1']);
  const port = await fleet.port();
  await fleet.ready();
  await get(t, { port }, '/print?lines=30');
  await fleet.line((line) => line['stream'] === 'stdout' && fleet.lines.length > 30);
  const { code, out, err } = await cordon(t, fleet, ['logs']);
  t.is(err, '');
  t.is(code, 0);
  t.regex(out, /^\d\d:\d\d:\d\d cordon #1 {2}worker 1 is ready \(1 of 1\)$/m);
  t.regex(out, /^\d\d:\d\d:\d\d #1 {9}port \d+$/m);
  t.is(linesOf((await cordon(t, fleet, ['logs', '-n', '3'])).out).length, 3);
  const json = linesOf((await cordon(t, fleet, ['logs', '--json', '-n', '5'])).out).map(
    (line) => JSON.parse(line) as object,
  );
  t.deepEqual(json, fleet.lines.slice(-5) as object[]);
});

test('logs -f goes on with what comes, until the fleet has stopped', async (t) => {
  const fleet = startFleet(t, [busy, '-w', '1']);
  const port = await fleet.port();
  await fleet.ready();
  const child = spawn(process.execPath, [main, 'logs', '-f', '-n', '1', '--worker', '1', '--level', 'error'], {
    env: within(fleet.runtime),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => void child.kill('SIGKILL'));
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const ended = once(child, 'close');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const first = lines.next();
  for (const kind of ['timer', 'immediate', 'promise']) await get(t, { port }, `/fail/${kind}`);
  t.regex(String((await first).value), /cordon #1 .* GET \/fail\//);
  await fleet.stop();
  t.deepEqual(await ended, [0, null]);
  t.is(err, 'cordon: busy has stopped\n');
});

test('wrong questions are answered before anything is shown', async (t) => {
  const fleet = startFleet(t, [busy, '-w', '1']);
  await fleet.ready();
  for (const [words, code, says] of [
    [['logs', '-n', 'few'], 64, /^cordon: --lines: expected a whole number, got "few"\n$/],
    [['logs', '--since', 'noon'], 64, /^cordon: --since: expected a time such as "10m", or a date such as /],
    [
      ['logs', '--level', 'loud'],
      64,
      /^cordon: --level: expected one of trace, debug, info, warn, error, fatal, got "loud"\n$/,
    ],
    [['logs', '--reopen'], 1, /^cordon: busy: the log goes on where it was: it has no log file: set logs\.file\n$/],
    [['logs', '--folow'], 64, /^cordon: unknown option '--folow', did you mean --follow\?\n$/],
    [['errors', 'show'], 64, /expected the id of an incident: `cordon errors show <id>`/],
    [['errors', 'show', 'nope'], 1, /^cordon: there is no incident nope\.\n$/],
    [['errors', 'resolve', 'nope'], 1, /^cordon: there is no incident nope\.\n$/],
    [['drain', 'all'], 64, /expected the id of a worker, such as 3, got "all"/],
    [['drain', '99'], 1, /^cordon: there is no worker 99\.\n$/],
    [['describe', '99'], 1, /^cordon: there is no worker 99\.\n$/],
    [['scale', 'many'], 64, /expected a number of workers, or a change such as \+2 or -1, got "many"/],
    [['reload', '--bake', '5'], 64, /--bake: expected a time with its unit, such as "30s", got "5"/],
    [['completion', 'tcsh'], 64, /expected bash, zsh or fish, got "tcsh"/],
    [['top'], 64, /^cordon: top needs a terminal; `cordon status` shows the same once\.\n$/],
  ] as const) {
    const said = await cordon(t, fleet, words);
    t.is(said.code, code, words.join(' '));
    t.is(said.out, '', words.join(' '));
    t.regex(said.err, says);
  }
});

test('events tells what was done and why, oldest first', async (t) => {
  const fleet = startFleet(t, [busy, '-w', '1', '--log-level', 'error']);
  const port = await fleet.port();
  await get(t, { port }, '/fail/timer');
  type Told = { msg: string; event: string; worker?: number; cause?: string; time: string };
  const told = await until('events tells that worker 1 is gone', async () => {
    const all = linesOf((await cordon(t, fleet, ['events', '--json'])).out).map((line) => JSON.parse(line) as Told);
    return all.some(({ msg }) => msg.startsWith('worker 1 is gone')) && all;
  });
  const story = told.map(({ msg }) => msg);
  const order = [
    'worker 1 starts in slot 0',
    'worker 1 is ready',
    'Error: timer',
    'worker 2 starts in slot 0',
    'worker 1 is gone',
  ];
  const places = order.map((begin) => story.findIndex((msg) => msg.includes(begin.replace('Error: ', ''))));
  t.deepEqual(
    places,
    places.toSorted((one, other) => one - other),
    story.join('\n'),
  );
  t.false(places.includes(-1), story.join('\n'));
  t.is(told.find(({ msg }) => msg.startsWith('worker 1 is gone'))?.cause, 'fault');
  t.is(told.find(({ msg }) => msg.includes('timer – GET /fail/timer'))?.event, 'error');
  const one = linesOf((await cordon(t, fleet, ['events', '--worker', '2'])).out);
  t.true(one.length > 0 && one.every((line) => line.includes('worker 2')));
});

test('errors: the list, one incident with the request that met it, and its resolution', async (t) => {
  const fleet = startFleet(t, [busy, '-w', '1']);
  const port = await fleet.port();
  t.is((await cordon(t, fleet, ['errors'])).out, 'busy: no errors\n');
  await get(t, { port }, '/fail/timer');
  const reply = await until('the error is listed', async () => {
    const asked = await ask<ErrorsReply>(t, fleet, ['errors']);
    return asked.incidents.length > 0 && asked;
  });
  t.is(reply.version, 1);
  const [incident] = reply.incidents;
  const id = incident?.id ?? '';
  t.like(incident, { count: 1, state: 'new' });
  const list = linesOf((await cordon(t, fleet, ['errors'])).out);
  t.is(list.length, 2);
  t.regex(list[1] ?? '', new RegExp(`^${id} +1 +new `));
  const shown = await cordon(t, fleet, ['errors', 'show', id.slice(0, 6)]);
  t.is(shown.code, 0);
  t.regex(shown.out, /GET \/fail\/timer, answered 500/);
  t.regex(shown.out, /^ {4}at .*\.mjs:\d+:\d+\)?$/m);
  t.like(await ask(t, fleet, ['errors', 'show', id]), { version: 1, id, count: 1 });
  t.is((await cordon(t, fleet, ['errors', 'resolve', id])).code, 0);
  t.is((await ask<ErrorsReply>(t, fleet, ['errors'])).incidents[0]?.state, 'resolved');
  t.is((await cordon(t, fleet, ['errors', 'resolve', id])).code, 0, 'that it is resolved already is no failure');
  const none = await cordon(t, fleet, ['errors', '-n', '0']);
  t.regex(none.err, /^cordon: 1 more; --lines says how many are shown$/m);
  t.deepEqual((await ask<ErrorsReply>(t, fleet, ['errors', '--since', '2099-01-01'])).incidents, []);
});

test('describe tells everything about a fleet and a worker, and no secret', async (t) => {
  const fleet = startFleet(t, [
    busy,
    '-w',
    '1',
    '-e',
    'API_KEY=hunter2',
    '--',
    '--token=hunter2',
    '--password',
    'hunter2',
  ]);
  await fleet.ready();
  for (const words of [['describe'], ['describe', '1'], ['describe', 'busy', '--json']]) {
    const { code, out } = await cordon(t, fleet, words);
    t.is(code, 0);
    t.regex(out, /busy/);
    t.false(out.includes('hunter2'), words.join(' '));
  }
  t.regex((await cordon(t, fleet, ['describe'])).out, /^ {2}env\n {4}API_KEY +\[hidden\]$/m);
  t.regex((await cordon(t, fleet, ['describe', '1'])).out, /^phase +ready$/m);
});

test('completion offers commands, options and their values, fleets, workers and incidents, and nothing where a file is meant', async (t) => {
  const fleet = startFleet(t, [busy, '-w', '2', '--name', 'api']);
  await fleet.ready();
  const offered = async (...words: string[]): Promise<string[]> =>
    linesOf((await cordon(t, fleet, ['__complete', '--', ...words])).out);
  t.deepEqual(await offered('re'), ['reload', 'restart']);
  t.deepEqual(await offered('logs', ''), ['api']);
  t.deepEqual(await offered('drain', ''), ['1', '2', 'api']);
  t.deepEqual(await offered('drain', 'api', ''), ['1', '2']);
  t.deepEqual(await offered('drain', 'other', ''), []);
  t.deepEqual(await offered('logs', '--level', 'e'), ['error']);
  t.deepEqual(await offered('logs', '--worker', ''), ['1', '2']);
  t.deepEqual(await offered('logs', '--follow', ''), ['api'], 'an option that takes no value');
  t.deepEqual(await offered('systemd', ''), ['install', 'print', 'uninstall']);
  for (const files of [
    ['check', ''],
    ['diff', ''],
    ['import', ''],
    ['init', ''],
    ['start', '-c', ''],
  ])
    t.deepEqual(await offered(...files), [], 'the shell offers files');
  await get(t, { port: await fleet.port() }, '/fail/timer');
  let ids: string[] = [];
  while (ids.length === 0) ids = await offered('errors', 'show', '');
  t.regex(ids.join(), /^[0-9a-f]{12}$/);
  t.deepEqual(await offered('errors', 'show', ids.join(), ''), ['api']);
  t.deepEqual(await offered('errors', 's'), ['show']);
  t.deepEqual(await offered('stop', '--n'), ['--now']);
  t.true((await offered('start', '--')).includes('--daemon'));
  t.false((await cordon(t, fleet, ['--help'])).out.includes('__complete'));
  for (const shell of ['bash', 'zsh', 'fish'])
    t.regex((await cordon(t, fleet, ['completion', shell])).out, /cordon __complete --/);
});
