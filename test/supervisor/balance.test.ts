import test from 'ava';
import { excess } from '../../supervisor/balance.js';

const of = (...counts: number[]): Map<number, number> => new Map(counts.map((count, index) => [index + 1, count]));

test('a worker that holds nearly all passes on what is above its share', (t) => {
  t.deepEqual([...excess(of(57, 1, 1, 1))], [[1, 42]]);
});

test('within the band nobody passes anything on', (t) => {
  t.deepEqual([...excess(of(17, 15, 14, 14))], []);
  t.deepEqual([...excess(of(2, 0))], []);
  t.deepEqual([...excess(of(1, 0, 0, 0))], []);
  t.deepEqual([...excess(of(0, 0))], []);
  t.deepEqual([...excess(of(100))], []);
});

test('no more is passed on than others can take without getting above their share', (t) => {
  for (const counts of [
    [40, 30, 5, 5],
    [100, 99, 98, 3],
    [8, 0, 0],
    [60, 0, 0, 0],
  ]) {
    const share = counts.reduce((sum, count) => sum + count, 0) / counts.length;
    const moved = [...excess(of(...counts)).values()].reduce((sum, count) => sum + count, 0);
    const room = counts.reduce((sum, count) => sum + Math.max(0, Math.floor(share) - count), 0);
    t.true(moved > 0 && moved <= room, counts.join(' '));
  }
});

test('once the moves are made nobody is asked for more', (t) => {
  const counts = [60, 0, 0, 0];
  const moved = excess(of(...counts)).get(1) ?? 0;
  t.deepEqual([...excess(of(60 - moved, moved / 3, moved / 3, moved / 3))], []);
});
