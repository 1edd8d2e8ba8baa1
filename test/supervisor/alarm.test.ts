import test from 'ava';
import { readSchedule } from '../../config/schedule.js';
import { look, resume } from '../../supervisor/alarm.js';

const at = Date.parse('2026-11-21T04:00:00Z');
const minute = 60_000;

test('a time that is far away is looked at once a minute, so that a clock that is set is noticed', (t) => {
  t.deepEqual(look(at, at - 600 * minute), { type: 'wait', ms: minute });
  t.deepEqual(look(at, at - 1), { type: 'wait', ms: 1 });
});

test('what comes a moment late is done, what a machine has slept through is not', (t) => {
  t.deepEqual(look(at, at), { type: 'due' });
  t.deepEqual(look(at, at + minute), { type: 'due' });
  t.deepEqual(look(at, at + 300 * minute), { type: 'missed', byMs: 300 * minute });
});

test('a clock that is set back brings nothing round again, and one that slept for days makes no burst', async (t) => {
  const { after } = await readSchedule('0 * * * *', 'UTC');
  const hour = 60 * minute;
  t.is(after(resume(at, at - 90 * minute)), at + hour);
  t.is(after(resume(at, at + 72 * hour + 1)), at + 73 * hour);
});

test('a schedule keeps to its time zone, and comes once on the days on which clocks change', async (t) => {
  const { after } = await readSchedule('30 2 * * *', 'Europe/Berlin');
  const from = (moment: string): string[] => {
    let last = Date.parse(moment);
    return [1, 2, 3].map(() => new Date((last = after(last) ?? 0)).toISOString());
  };
  t.deepEqual(from('2026-10-24T12:00Z'), [
    '2026-10-25T00:30:00.000Z',
    '2026-10-26T01:30:00.000Z',
    '2026-10-27T01:30:00.000Z',
  ]);
  t.is(from('2026-03-28T12:00Z')[1], '2026-03-30T00:30:00.000Z');
});
