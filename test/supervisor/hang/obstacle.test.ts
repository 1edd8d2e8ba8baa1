import test from 'ava';
import { obstacle, opensInspector, placesInspector } from '../../../supervisor/hang/obstacle.js';

const status = (state: string, caught: string) => () => `Name:\tnode\nState:\t${state}\nSigCgt:\t${caught}\n`;

test('what keeps a process from being opened is read from the kernel, and not waited for', (t) => {
  t.is(obstacle(1, status('R (running)', '0000000100004602')), undefined);
  t.is(obstacle(1, status('T (stopped)', '0000000100004602')), 'it is stopped by a signal');
  t.is(obstacle(1, status('t (tracing stop)', '0000000100004602')), 'it is stopped by a signal');
  t.is(obstacle(1, status('R (running)', '0000000100004402')), 'it does not listen to SIGUSR1');
  t.is(
    obstacle(1, () => undefined),
    undefined,
    'nothing is known where there is no /proc',
  );
});

test('options that open an inspector are told from those that only say where one is to be', (t) => {
  for (const option of ['--inspect', '--inspect=0', '--inspect-brk', '--inspect-wait=127.0.0.1:0'])
    t.true(opensInspector([option]), option);
  t.false(opensInspector(['--inspect-port=1234', '--inspect-publish-uid=http']));
  t.true(placesInspector(['--inspect-port=1234']));
  t.true(placesInspector(['--inspect']));
  t.false(placesInspector(['--max-old-space-size=64']));
});
