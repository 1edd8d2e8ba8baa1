// top on a real terminal, as `script` makes one.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import { within } from '../support/cordon.js';
import { type Fleet, fixture, main, startFleet } from '../support/fleet.js';
import { until } from '../support/until.js';

const there = spawnSync('script', ['--version']).status === 0 && spawnSync('stty', ['--version']).status === 0;
const onTerminal = there ? test : test.skip;
const ENTER = '\u001b[?1049h';
const LEAVE = '\u001b[?1049l';

/** Runs top; what is shown before it and after it is how the terminal is set. */
function top(t: ExecutionContext, fleet: Fleet) {
  const command = `stty rows 24 cols 80; stty -g; '${process.execPath}' '${main}' top; echo "code $?"; stty -g`;
  const child = spawn('script', ['-qefc', command, '/dev/null'], {
    env: within(fleet.runtime, { TERM: 'xterm', SHELL: '/bin/sh' }),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  t.teardown(() => void child.kill('SIGKILL'));
  let shown = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (shown += text));
  return {
    press: (keys: string) => void child.stdin.write(keys),
    shown: () => shown,
    until: (words: string, from = 0): Promise<boolean> =>
      until(
        () => `top shows "${words}"; it shows ${JSON.stringify(shown.slice(-2000))}`,
        () => shown.includes(words, from),
      ),
    ended: once(child, 'close'),
  };
}

for (const [name, key] of [
  ['q', 'q'],
  ['Ctrl-C', '\u0003'],
] as const) {
  onTerminal(`top shows the fleet, and on ${name} leaves the terminal as it found it`, async (t) => {
    const fleet = startFleet(t, [fixture('process/busy.mjs'), '-w', '2']);
    await fleet.ready();
    const screen = top(t, fleet);
    await screen.until('2/2 serve');
    await screen.until('q quit');
    screen.press('e');
    await screen.until('no errors', screen.shown().lastIndexOf('PHASE'));
    screen.press(key);
    await screen.ended;
    const [before = '', after = ''] = [screen.shown().split(ENTER)[0], screen.shown().split(LEAVE).at(-1)];
    const [settings = ''] = /^[0-9a-f]+(?::[0-9a-f]+){10,}/m.exec(before) ?? [];
    t.not(settings, '');
    t.true(after.includes(settings), 'the settings are what they were');
    t.regex(after, /code 0/);
    t.is(screen.shown().split(ENTER).length, screen.shown().split(LEAVE).length);
  });
}

onTerminal('top ends with a sentence when its fleet stops, and gives the terminal back', async (t) => {
  const fleet = startFleet(t, [fixture('process/busy.mjs'), '-w', '1']);
  await fleet.ready();
  const screen = top(t, fleet);
  await screen.until('1/1 serve');
  await fleet.stop();
  await screen.ended;
  const after = screen.shown().split(LEAVE).at(-1) ?? '';
  t.regex(after, /busy has stopped|no supervisor answers/);
  t.regex(after, /code 69/);
});
