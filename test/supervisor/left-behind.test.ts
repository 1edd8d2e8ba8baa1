import test from 'ava';
import { leftBehind } from '../../supervisor/left-behind.js';

test('what Node says that it has written is an incident with the file in it, and nothing else is', (t) => {
  t.like(leftBehind('Wrote snapshot to /srv/Heap.20261121.1.0.001.heapsnapshot'), {
    name: 'HeapNearLimit',
    context: '{"file":"/srv/Heap.20261121.1.0.001.heapsnapshot"}',
  });
  t.like(leftBehind('Writing Node.js report to file: report.20261121.1.0.001.json'), {
    name: 'FatalError',
    context: '{"file":"report.20261121.1.0.001.json"}',
  });
  t.is(leftBehind('the program wrote: Wrote snapshot to nowhere'), undefined);
});
