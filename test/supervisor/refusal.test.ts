// Why an order cannot be taken, or an upgrade cannot begin.
import test from 'ava';
import { hindrance, refusal, takenBack } from '../../supervisor/refusal.js';
import type { Failure } from '../../supervisor/reload-state.js';
import { emptyFleet } from '../../supervisor/state.js';

const fleet = emptyFleet(2);
const free = { isReplaced: false, isLeaving: false, rejected: undefined };
const plan = { surge: 1, rollback: true, readyTimeoutMs: 1, canary: undefined };
const ended = (generation: number, failure: Failure | undefined) =>
  [{ type: 'reloaded', generation, failure }] as const;

test('no upgrade begins amid a reload: it would start all workers with what is still watched', (t) => {
  t.is(hindrance(fleet, free), undefined);
  const reload = { generation: 2, plan, stage: { at: 'rolling' }, trying: [] } as const;
  t.regex(hindrance({ ...fleet, reload }, free) ?? '', /^the reload of generation 2 is under way/);
});

test('a release that was watched and taken back is not brought by an upgrade, until another one has been accepted', (t) => {
  const rejected = takenBack(undefined, ended(2, { type: 'faults', faults: 3 }), false);
  t.regex(
    hindrance(fleet, { ...free, rejected }) ?? '',
    /^generation 2 was taken back \(it met 3 errors .*reload first$/,
  );
  t.is(takenBack(rejected, [], false), rejected);
  t.is(takenBack(rejected, ended(3, { type: 'superseded', by: 4 }), false), rejected);
  t.is(takenBack(rejected, ended(3, undefined), false), undefined);
  t.is(takenBack(rejected, [], true), undefined, 'a restart asks for it, whatever it is');
});

test('one that did not boot is no hindrance: a successor with it fails, and costs nothing', (t) => {
  t.is(takenBack(undefined, ended(2, { type: 'died', worker: 3, code: 1, signal: null }), false), undefined);
});

test('an order is refused amid an upgrade, by a supervisor that stops, and by one that was replaced, each in its words', (t) => {
  const none = { isReplaced: false, isUpgrading: false };
  t.is(refusal(fleet, none), undefined);
  t.like(refusal(fleet, { ...none, isUpgrading: true }), { why: 'an upgrade is under way: ask again when it is over' });
  const stopping = { ...fleet, goal: 'stop' } as const;
  t.like(refusal(stopping, none), { why: 'the fleet stops', became: 'stopping' });
  t.like(refusal(stopping, { ...none, isReplaced: true }), { became: 'replaced' });
});
