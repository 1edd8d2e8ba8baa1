import test from 'ava';
import { nearest } from '../../config/suggest.js';

test('a slip of the finger finds the word that was meant', (t) => {
  t.is(nearest('killTimout', ['timeout', 'killTimeout']), 'killTimeout');
  t.is(nearest('WORKERS', ['workers', 'name']), 'workers');
});

test('a word that is like none is not guessed at', (t) => {
  t.is(nearest('apps', ['args', 'name', 'cwd']), 'args');
  t.is(nearest('on', ['at']), undefined);
  t.is(nearest('plugins', ['workers', 'name']), undefined);
});
