import test from 'ava';
import { inWords, milliseconds } from '../../config/duration.js';

test('a time is a number and its unit', (t) => {
  const times = {
    '500ms': 500,
    '30s': 30_000,
    '1.5s': 1_500,
    '2m': 120_000,
    '1h': 3_600_000,
    '1d': 86_400_000,
    '0s': 0,
  };
  for (const [words, ms] of Object.entries(times)) t.is(milliseconds(words), ms, words);
});

test('a text that leaves its unit open is no time', (t) => {
  for (const words of ['30', '30 bananas', '', 's', '-1s', '1e3s', '30S', '1m30s'])
    t.is(milliseconds(words), undefined, words);
});

test('what was understood can be said again', (t) => {
  for (const words of ['1ms', '1500ms', '90s', '2m', '36h', '1d', '0ms'])
    t.is(inWords(milliseconds(words) ?? -1), words);
});
