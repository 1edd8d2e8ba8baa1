// `cordon top`: the same as `status`, live. Leaves the terminal as it found it, however it ends.
import type { Command } from 'commander';
import { ExitCode, OperatorError } from '../config/exit-code.js';
import type { ErrorsReply, OrderOutcome, StatusReply } from '../supervisor/control/protocol.js';
import { get, lines, order, type Supervisor } from './client.js';
import { find, NAME } from './find.js';
import { blank, draw, type Key, keyed, MOST_ERRORS, type Screen, seen } from './top-screen.js';

/** A screen of its own, without a cursor. A line that is too wide after all, as of Chinese, must not push the others up. */
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l';
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l';
const EACH_MS = 1000;
const MAX_EVENTS = 20;

export const define = (command: Command): void =>
  void command
    .description(
      'Watches a fleet, full screen. Keys: q quit, j and k choose a worker, d drain it, r reload, + and - scale, e errors.',
    )
    .argument('[name]', NAME)
    .addHelpText('after', '\nExample:\n  $ cordon top api')
    .action(async (name: string | undefined) => {
      if (!process.stdout.isTTY || !process.stdin.isTTY)
        throw new OperatorError('top needs a terminal; `cordon status` shows the same once.', ExitCode.usage);
      await watch(await find(name));
    });

async function watch(supervisor: Supervisor): Promise<void> {
  const { stdin, stdout } = process;
  let screen: Screen = blank;
  const show = (next: Screen): void => {
    screen = next;
    const drawn = draw(screen, stdout.columns ?? 80, stdout.rows ?? 24, Date.now());
    stdout.write(`\u001b[H${drawn.map((line) => `${line}\u001b[K`).join('\r\n')}\u001b[J`);
  };
  const ending = new AbortController();
  const leave = (): void => {
    stdout.write(LEAVE);
    stdin.setRawMode(false);
  };
  process.once('exit', leave);
  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['SIGINT', 130],
  ] as const)
    process.once(signal, () => process.exit(code));
  stdout.write(ENTER);
  stdin.setRawMode(true);
  stdin.on('data', (chunk: Buffer) => {
    // oxlint-disable-next-line no-control-regex
    for (const key of chunk.toString('utf8').match(/\u001b\[[A-Z]|[^]/g) ?? []) {
      const asked = keyed(screen, key);
      if (asked?.type === 'quit') ending.abort();
      else if (asked?.type === 'show') show(asked.screen);
      else if (asked) void carryOut(supervisor, asked, (notice) => show({ ...screen, notice }));
    }
  });
  stdout.on('resize', () => show(screen));
  try {
    await Promise.race([
      stopped(ending.signal),
      poll(supervisor, ending.signal, (change) => show(change(screen))),
      follow(supervisor, ending.signal, (line) =>
        show({ ...screen, events: [...screen.events, line].slice(-MAX_EVENTS) }),
      ),
    ]);
  } finally {
    ending.abort();
    process.removeListener('exit', leave);
    leave();
    stdin.destroy();
  }
}

const stopped = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve()));

const pause = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, EACH_MS);
    signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  });

async function poll(
  supervisor: Supervisor,
  signal: AbortSignal,
  change: (to: (screen: Screen) => Screen) => void,
): Promise<void> {
  for (let last = performance.now(); !signal.aborted; await pause(signal)) {
    const [status, errors] = await Promise.all([
      get<StatusReply>(supervisor, '/v1/status'),
      get<ErrorsReply>(supervisor, `/v1/errors?lines=${MOST_ERRORS}`),
    ]);
    const now = performance.now();
    const seconds = (now - last) / 1000;
    last = now;
    if (!signal.aborted) change((screen) => ({ ...seen(screen, status, seconds), errors }));
  }
}

async function follow(supervisor: Supervisor, signal: AbortSignal, hear: (line: string) => void): Promise<void> {
  try {
    for await (const text of lines(supervisor, '/v1/events?follow&lines=6', { signal })) {
      const { time, msg } = JSON.parse(text) as { time?: string; msg?: string };
      if (msg !== undefined) hear(`${new Date(time ?? 0).toTimeString().slice(0, 8)} ${msg}`);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  if (!signal.aborted) throw new OperatorError(`${supervisor.name} has stopped.`, ExitCode.unavailable);
}

const orders = {
  reload: { path: '/v1/reload', body: {}, what: 'reload' },
  more: { path: '/v1/scale', body: { by: 1 }, what: 'one worker more' },
  fewer: { path: '/v1/scale', body: { by: -1 }, what: 'one worker fewer' },
} as const;

async function carryOut(
  supervisor: Supervisor,
  key: Exclude<Key, { type: 'quit' | 'show' }>,
  notice: (text: string) => void,
): Promise<void> {
  const { path, body, what } =
    key.type === 'drain'
      ? { path: `/v1/workers/${key.worker}/drain`, body: {}, what: `drain ${key.worker}` }
      : orders[key.type];
  notice(`${what}…`);
  try {
    notice(said(what, await order(supervisor, path, body, (text) => notice(`${what}: ${text}`))));
  } catch (error) {
    notice(`${what}: ${(error as Error).message}`);
  }
}

const said = (what: string, outcome: OrderOutcome | undefined): string =>
  outcome?.ok ? `${what}: done` : `${what}: ${outcome?.why ?? 'it failed'}`;
