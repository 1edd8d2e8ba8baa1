import test from 'ava';
import { bytes, sizeInWords } from '../../config/size.js';

test('a size has a unit, decimal or binary', (t) => {
  t.is(bytes('512MB'), 512_000_000);
  t.is(bytes('1.5 GB'), 1_500_000_000);
  t.is(bytes('1KiB'), 1024);
  t.is(bytes('2GiB'), 2 * 1024 ** 3);
  for (const wrong of ['512', '512M', '-1MB', 'MB', '1TB', '']) t.is(bytes(wrong), undefined, wrong);
});

test('in the log it is rounded', (t) => {
  t.is(sizeInWords(612_345_678), '612MB');
  t.is(sizeInWords(1_500_000_000), '1.5GB');
  t.is(sizeInWords(12), '12B');
});
