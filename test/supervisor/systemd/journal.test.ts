import test from 'ava';
import { leadsToJournal, prioritized } from '../../../supervisor/systemd/journal.js';

test('every line carries its priority, and an empty end gets none', (t) => {
  t.is(prioritized('error', 'Bug: a\n    at b\n'), '<3>Bug: a\n<3>    at b\n');
  t.is(prioritized('info', '{}\n'), '<6>{}\n');
});

test('a stream that is not the one that systemd named is not the journal', (t) => {
  t.false(leadsToJournal(1, {}));
  t.false(leadsToJournal(1, { JOURNAL_STREAM: '9:1' }));
});
