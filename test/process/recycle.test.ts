// Workers that are replaced by the clock.
import test from 'ava';
import { ask, cordon } from '../support/cordon.js';
import { lost, startLoad } from '../support/load.js';
import { site, start } from '../support/site.js';

test('every worker is replaced when the schedule says so, in order and without a lost request, until it says nothing any more', async (t) => {
  const here = site(t, { name: 'shop', recycle: { schedule: '* * * * * *', timeZone: 'Europe/Berlin' } });
  here.release('41');
  const { fleet, target } = await start(t, here);
  await fleet.line(/^every worker will be replaced at .*Z \(\* \* \* \* \* \*\)$/);
  const load = startLoad(t, target, 4, (index) => ({ path: index % 4 === 0 ? '/slow' : '/' }));
  await fleet.line(/^2 workers replaced, as the schedule asked/);
  const { generation, nextRecycle = 0 } = await ask<{ generation: number; nextRecycle?: number }>(t, fleet, ['status']);
  t.is(generation, 1, 'the same as before');
  t.true(nextRecycle > Date.now() - 60_000);
  // An earlier round may have met one that was booting still.
  const ended = fleet.lines.findIndex(({ msg }) => msg.startsWith('2 workers replaced'));
  const begun = fleet.lines.findLastIndex(
    ({ msg }, index) => index < ended && msg.startsWith('the schedule asks for new workers: 2 workers'),
  );
  const round = fleet.lines.slice(begun, ended);
  const started = round.flatMap(({ msg, worker }) => (/ starts in slot/.test(msg) ? [worker] : []));
  const steps = round.flatMap(({ msg, slot, worker }) => {
    const [step] = / (?:starts in slot|is ready|is gone)/.exec(msg) ?? [];
    // One that was booting when the round began may get ready in it.
    const isEarlier = step === ' is ready' && !started.includes(worker);
    return step === undefined || isEarlier ? [] : [`${slot}${step}`];
  });
  t.deepEqual(
    steps,
    [0, 1].flatMap((slot) => [`${slot} starts in slot`, `${slot} is ready`, `${slot} is gone`]),
  );

  here.configure({ name: 'shop' });
  t.is((await cordon(t, fleet, ['reload', 'shop'])).code, 0);
  t.deepEqual(lost(await load.end()), []);
  t.regex(
    (await cordon(t, fleet, ['status', 'shop'])).out,
    /^shop serving · 2\/2 serve · generation 2 · up \d+s · no errors · pid/,
  );
  t.is(await fleet.stop(), 0);
});
