import test from 'ava';
import { Ring } from '../../supervisor/control/ring.js';

const all = (ring: Ring): string[] => Array.from({ length: ring.next - ring.first }, (_, i) => ring.at(ring.first + i));

test('the last lines are kept, and each keeps its number', (t) => {
  const ring = new Ring({ lines: 3, size: 1000 });
  for (let i = 0; i < 50; i++) {
    ring.add(`line ${i}`);
    t.is(ring.next, i + 1);
    t.is(ring.at(i), `line ${i}`);
  }
  t.deepEqual(all(ring), ['line 47', 'line 48', 'line 49']);
  t.is(ring.first, 47);
  t.is(ring.at(3), '', 'what was given up is empty');
});

test('long lines push out more of the past than short ones', (t) => {
  const ring = new Ring({ lines: 100, size: 10 });
  for (const line of ['aaa', 'bbb', 'ccc', 'dddd']) ring.add(line);
  t.deepEqual(all(ring), ['bbb', 'ccc', 'dddd']);
  ring.add('e'.repeat(11));
  t.deepEqual(all(ring), [], 'a line that is larger than all there is room for is not kept');
  ring.add('f');
  t.deepEqual(all(ring), ['f']);
});

test('whoever follows hears of each line until they leave', (t) => {
  const ring = new Ring({ lines: 2, size: 100 });
  const heard: string[] = [];
  const leave = ring.follow(() => heard.push(ring.at(ring.next - 1)));
  for (const line of ['a', 'b', 'c']) ring.add(line);
  leave();
  ring.add('d');
  t.deepEqual(heard, ['a', 'b', 'c']);
});
