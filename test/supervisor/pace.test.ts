import test from 'ava';
import { Pace } from '../../supervisor/pace.js';

test('fifty errors are told one by one in a time, and how many more there were at its end', async (t) => {
  // The pace keeps no process alive.
  const alive = setInterval(() => {}, 1000);
  const told = new Promise<number>((resolve) => {
    const pace = new Pace(resolve, 20);
    const said = Array.from({ length: 500 }, () => pace.allows(2)).filter(Boolean).length;
    t.is(said, 50);
  });
  t.is(await told, 900);
  clearInterval(alive);
});

test('a new time begins with fifty more', async (t) => {
  const pace = new Pace(() => {}, 1);
  for (let index = 0; index < 50; index++) pace.allows(1);
  const begin = performance.now();
  while (!pace.allows(1) && performance.now() - begin < 10_000) await new Promise((resolve) => setImmediate(resolve));
  t.true(pace.allows(1));
});
