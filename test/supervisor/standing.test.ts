// Whether a machine is to get requests: one answer for all who ask.
import test from 'ava';
import { quorumOf, Standing, standOf } from '../../supervisor/standing.js';
import { booting, Story, serving } from '../support/story.js';

const idle = { started: false, maintenance: false, leaving: false };
const up = { ...idle, started: true };

test('the quorum is all, a number or a share; never none, never more than there are', (t) => {
  t.is(quorumOf('all', 4), 4);
  t.is(quorumOf(3, 4), 3);
  t.is(quorumOf(9, 4), 4);
  t.is(quorumOf('50%', 4), 2);
  t.is(quorumOf('50%', 5), 3);
  t.is(quorumOf('1%', 4), 1);
});

test('a fleet is up when its quorum serves; who stands by does not count', (t) => {
  t.is(standOf(booting(4).ready(1, 2, 3).fleet, 'all', idle), 'starting');
  t.is(standOf(serving(4).fleet, 'all', idle), 'up');
  t.is(standOf(booting(4).ready(1).fleet, '50%', idle), 'starting');
  t.is(standOf(booting(4).ready(1, 2).fleet, '50%', idle), 'up');
  t.is(standOf(new Story(2, { standby: 1 }).ready(1, 2).fleet, 'all', idle), 'up');
});

test('with all, one that serves on keeps a started fleet up; with a share, too few do not', (t) => {
  t.is(standOf(serving(4).crashed(1, 2, 3).fleet, 'all', up), 'up');
  t.is(standOf(serving(4).crashed(1, 2, 3, 4).fleet, 'all', up), 'down');
  t.is(standOf(serving(4).crashed(1, 2, 3).fleet, '50%', up), 'down');
  t.is(standOf(serving(4).crashed(1, 2).fleet, '50%', up), 'up');
});

test('a stop is heard above all, then maintenance', (t) => {
  t.is(standOf(serving(2).fleet, 'all', { ...up, maintenance: true }), 'maintenance');
  t.is(standOf(serving(2).fleet, 'all', { ...up, leaving: true, maintenance: true }), 'leaving');
  t.is(standOf(serving(2).tell({ type: 'stop-asked' }).fleet, 'all', up), 'leaving');
});

test('that a fleet was up is remembered', (t) => {
  const story = booting(2);
  const standing = new Standing(
    () => story.fleet,
    () => 'all',
    () => false,
  );
  const now = (): string => {
    standing.observe();
    return standing.stand;
  };
  story.ready(1);
  t.is(now(), 'starting');
  story.ready(2);
  t.is(now(), 'up');
  story.crashed(1);
  t.is(now(), 'up');
});
