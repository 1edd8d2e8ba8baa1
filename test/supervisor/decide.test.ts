import test from 'ava';
import { decide } from '../../supervisor/decide.js';
import type { Event } from '../../supervisor/event.js';
import { booting, policy, type Story, serving } from '../support/story.js';

const stop: Event = { type: 'stop-asked' };
const halt: Event = { type: 'halt-asked' };
const leaves = (id: number): Event => ({ type: 'draining', id, because: 'disconnected' });

// Start

test('a start fills every slot at once', (t) => {
  const story = booting(2);
  t.deepEqual(story.orders(), ['0s spawn #1 in slot 0, generation 1', '0s spawn #2 in slot 1, generation 1']);
  t.deepEqual(story.ready(1, 2).orders(), []);
  t.is(story.host.alarmAt, undefined, 'a fleet at rest sleeps without a timer');
});

test('a worker that is not ready in time is killed, and its successor starts at once the first time', (t) => {
  const story = booting(1).forget();
  t.deepEqual(story.wait(10_000).orders(), ['10s kill #1 (stalled)', '10s spawn #2 in slot 0, generation 1']);
  t.deepEqual(story.left(1).orders(), []);
});

test('a boot timeout is a failure: slots that stall in a row wait out their backoff', (t) => {
  const story = booting(1).wait(20_000);
  story.left(1, 2).forget();
  t.is(story.fleet.slots[0]?.failures, 2);
  t.deepEqual(story.wait(1000).orders(), ['21s spawn #3 in slot 0, generation 1']);
  t.deepEqual(story.wait(12_000).orders(), ['31s kill #3 (stalled)', '33s spawn #4 in slot 0, generation 1']);
});

test('the exit of a worker that was killed while booting is not a second failure', (t) => {
  const story = booting(1).wait(10_000).tell({ type: 'exited', id: 1, code: null, signal: 'SIGKILL' });
  t.is(story.fleet.slots[0]?.failures, 1);
});

test('a worker that gets ready in the last moment is ready', (t) => {
  const story = booting(1).forget().wait(9999).ready(1).wait(1000);
  t.deepEqual(story.orders(), []);
  t.deepEqual(story.workers, ['#1 ready']);
});

test('ready is heard once: saying it again, or while draining or killed, changes nothing', (t) => {
  const again = serving(1).wait(5000).ready(1);
  t.like(again.worker(1), { phase: 'ready', since: 0 });
  const draining = serving(2).faulted(1).ready(1);
  t.is(draining.worker(1)?.phase, 'draining');
  const tainted = serving(1).faulted(1).ready(1);
  t.is(tainted.worker(1)?.phase, 'tainted');
  const killing = booting(1).wait(10_000).ready(1);
  t.is(killing.worker(1)?.phase, 'killing');
});

// Faults

test('a faulty worker goes at once where another one is healthy, and its successor starts the same moment', (t) => {
  const story = serving(2).faulted(1);
  t.deepEqual(story.orders(), ['0s drain #1 (fault)', '0s spawn #3 in slot 0, generation 1']);
  t.deepEqual(story.left(1).ready(3).orders(), []);
});

test('the only worker serves on, faulty as it is, until its successor is ready', (t) => {
  const story = serving(1).faulted(1);
  t.deepEqual(story.orders(), ['0s spawn #2 in slot 0, generation 1']);
  t.deepEqual(story.workers, ['#1 tainted', '#2 booting']);
  t.deepEqual(story.wait(3000).ready(2).orders(), ['3s drain #1 (fault)']);
  t.deepEqual(story.left(1).workers, ['#2 ready']);
});

test('two workers faulty at once are never an outage', (t) => {
  const story = serving(2).faulted(1, 2);
  t.deepEqual(story.orders(), [
    '0s drain #1 (fault)',
    '0s spawn #3 in slot 0, generation 1',
    '0s spawn #4 in slot 1, generation 1',
  ]);
  t.is(story.worker(2)?.phase, 'tainted');
  t.deepEqual(story.ready(3).orders(), [], 'the successor in another slot does not relieve it');
  t.deepEqual(story.ready(4).orders(), ['0s drain #2 (fault)']);
});

test('a booting worker does not make a faulty one dispensable', (t) => {
  const story = booting(2).ready(1).faulted(1);
  t.is(story.worker(1)?.phase, 'tainted');
});

test('a tainted worker does not make a faulty one dispensable', (t) => {
  const story = serving(2).faulted(1, 2).left(1).ready(3).faulted(3);
  t.is(story.worker(3)?.phase, 'tainted');
  t.is(story.worker(2)?.phase, 'tainted');
});

test('further faults of a tainted, draining or killed worker change nothing', (t) => {
  const tainted = serving(1).faulted(1).forget().faulted(1, 1);
  t.deepEqual(tainted.orders(), []);
  t.is(tainted.worker(1)?.phase, 'tainted');
  const draining = serving(2).faulted(1).forget().wait(5000).faulted(1);
  t.deepEqual(draining.orders(), []);
  t.like(draining.worker(1), { phase: 'draining', because: 'fault', until: 32_000 });
  const killing = booting(1).wait(10_000).forget().faulted(1);
  t.like(killing.worker(1), { phase: 'killing', because: 'stalled' });
  t.deepEqual(killing.orders(), []);
});

test('a fault met while booting is not forgotten: the worker is replaced once it is ready', (t) => {
  const alone = booting(1).faulted(1).forget();
  t.deepEqual(alone.workers, ['#1 booting']);
  t.deepEqual(alone.ready(1).orders(), ['0s spawn #2 in slot 0, generation 1']);
  t.is(alone.worker(1)?.phase, 'tainted');
  const spared = booting(2).ready(1).faulted(2).forget();
  t.deepEqual(spared.ready(2).orders(), ['0s drain #2 (fault)', '0s spawn #3 in slot 1, generation 1']);
});

test('a fault while booting does not move the boot deadline', (t) => {
  t.deepEqual(booting(1).forget().wait(6000).faulted(1).wait(4000).orders(), [
    '10s kill #1 (stalled)',
    '10s spawn #2 in slot 0, generation 1',
  ]);
});

test('a successor that is faulty itself still relieves: tainted workers never pile up in a slot', (t) => {
  const story = serving(1).faulted(1).faulted(2).forget().ready(2);
  t.deepEqual(story.orders(), ['0s drain #1 (fault)', '0s spawn #3 in slot 0, generation 1']);
  t.deepEqual(story.workers, ['#1 draining', '#2 tainted', '#3 booting']);
});

test('a successor that dies while booting leaves the tainted worker in service', (t) => {
  const story = serving(1).faulted(1).crashed(2).forget();
  t.is(story.worker(1)?.phase, 'tainted');
  t.deepEqual(story.crashed(3).orders(), []);
  t.deepEqual(story.wait(1000).orders(), ['1s spawn #4 in slot 0, generation 1']);
  t.deepEqual(story.ready(4).orders(), ['1s drain #1 (fault)']);
});

test('a tainted worker that dies before its successor is ready gets no second successor', (t) => {
  const story = serving(1).faulted(1).forget().crashed(1);
  t.deepEqual(story.wait(5000).orders(), []);
  t.deepEqual(story.workers, ['#2 booting']);
});

test('a faulty worker that does not leave in time is killed, a little later than its own kill timer', (t) => {
  const story = serving(2).faulted(1).ready(3).forget();
  t.deepEqual(story.wait(31_999).orders(), []);
  t.deepEqual(story.wait(1).orders(), ['32s kill #1 (fault)']);
  t.deepEqual(story.wait(60_000).orders(), [], 'it is killed once');
});

// Exits

test('a worker that dies is replaced at once', (t) => {
  t.deepEqual(serving(2).crashed(2).orders(), ['0s spawn #3 in slot 1, generation 1']);
});

test('an exit with code 0 that nobody asked for is a failure too', (t) => {
  const story = serving(1).left(1);
  t.deepEqual(story.orders(), ['0s spawn #2 in slot 0, generation 1']);
  t.is(story.fleet.slots[0]?.failures, 1);
});

test('a worker on its way out has failed nobody, however it goes', (t) => {
  const story = serving(2).faulted(1).forget().tell({ type: 'exited', id: 1, code: null, signal: 'SIGSEGV' });
  t.deepEqual(story.orders(), []);
  t.is(story.fleet.slots[0]?.failures, 0);
});

test('each failure in a row doubles the wait in its slot, up to the cap', (t) => {
  const story = serving(1);
  const starts: string[] = [];
  for (let id = 1; id <= 8; id++) starts.push(...story.crashed(id).wait(8000).orders());
  t.deepEqual(
    starts.map((line) => Number(line.split('s ')[0]) % 8),
    [0, 1, 2, 4, 0, 0, 0, 0],
  );
});

test('one slot that fails does not slow down another', (t) => {
  const story = serving(2).crashed(1).crashed(3).crashed(2);
  t.deepEqual(story.orders(), ['0s spawn #3 in slot 0, generation 1', '0s spawn #4 in slot 1, generation 1']);
});

const failures = (readyForMs: number): number | undefined =>
  serving(1).crashed(1).ready(2).wait(readyForMs).crashed(2).fleet.slots[0]?.failures;

test('a worker that stood for as long as the longest backoff ends the row of failures', (t) => {
  t.is(failures(7999), 2);
  t.is(failures(8000), 1);
});

test('a tainted worker, however long it stands, does not end its successors\u2019 row of failures', (t) => {
  const story = serving(1).wait(60_000).faulted(1).crashed(2).crashed(3).wait(1000).crashed(4).wait(2000).crashed(5);
  t.is(story.fleet.slots[0]?.failures, 4);
});

test('messages from a worker that was reaped, or never was, change nothing', (t) => {
  for (const id of [1, 99]) {
    const story = serving(2).faulted(1).left(1).forget();
    const before = story.fleet;
    story.ready(id).faulted(id).left(id).tell(leaves(id));
    t.deepEqual(story.fleet, before);
    t.deepEqual(story.orders(), []);
  }
});

// Leaving by itself

test('a worker that leaves by itself is replaced while it still drains', (t) => {
  const story = serving(2).tell(leaves(1));
  t.deepEqual(story.orders(), ['0s spawn #3 in slot 0, generation 1']);
  t.like(story.worker(1), { phase: 'draining', because: 'disconnected', until: 32_000 });
});

test('a worker that leaves by itself and hangs is killed', (t) => {
  t.deepEqual(serving(2).tell(leaves(1)).ready(3).forget().wait(32_000).orders(), ['32s kill #1 (disconnected)']);
});

test('a tainted worker may leave before its successor is ready: nobody can hold it', (t) => {
  const story = serving(1).faulted(1).forget().tell(leaves(1));
  t.like(story.worker(1), { phase: 'draining', because: 'disconnected' });
  t.deepEqual(story.orders(), []);
});

test('to leave while booting is to fail', (t) => {
  const story = booting(1).tell(leaves(1));
  t.is(story.fleet.slots[0]?.failures, 1);
  t.is(story.left(1).fleet.slots[0]?.failures, 1, 'counted once');
});

test('the first cause wins: who drains for a fault does not leave by itself, nor the other way round', (t) => {
  const fault = serving(2).faulted(1).wait(5000).tell(leaves(1));
  t.like(fault.worker(1), { because: 'fault', until: 32_000 });
  const left = serving(2).tell(leaves(1)).wait(5000).faulted(1);
  t.like(left.worker(1), { because: 'disconnected', until: 32_000 });
  const killed = booting(1).wait(10_000).tell(leaves(1));
  t.like(killed.worker(1), { phase: 'killing', because: 'stalled' });
});

test('a program that leaves again and again is slowed down; one that leaves now and then is not', (t) => {
  const story = serving(2, { intensity: { restarts: 2, withinMs: 60_000 } });
  story.tell(leaves(1)).ready(3).tell(leaves(3)).ready(4).tell(leaves(4)).ready(5).forget();
  t.deepEqual(story.tell(leaves(5)).orders(), []);
  t.deepEqual(story.wait(1000).orders(), ['1s spawn #6 in slot 0, generation 1']);
  t.is(serving(2).tell(leaves(1)).fleet.slots[0]?.failures, 0);
});

// Restart intensity

const tight = { intensity: { restarts: 2, withinMs: 60_000 } };

test('beyond the restart intensity a faulty worker serves on, however many are healthy', (t) => {
  const story = serving(3, tight).faulted(1).ready(4).faulted(4).ready(5).forget();
  t.deepEqual(story.faulted(5).orders(), []);
  t.is(story.worker(5)?.phase, 'tainted');
  t.deepEqual(story.wait(59_999).orders(), ['32s kill #1 (fault)', '32s kill #4 (fault)']);
  t.deepEqual(story.wait(1).orders(), ['60s spawn #6 in slot 0, generation 1']);
  t.deepEqual(story.ready(6).orders(), ['60s drain #5 (fault)']);
});

test('a vacant slot is never held back by the restart intensity, only by its backoff', (t) => {
  const story = serving(4, tight).crashed(1, 2, 3);
  t.is(story.orders().length, 3);
  t.deepEqual(story.crashed(4).orders(), ['0s spawn #8 in slot 3, generation 1']);
});

/** A fleet in which whoever starts dies before it is ready, for so long. Returns how many were started in the last minute of it. */
function stillborn(story: Story, forMs: number): number {
  let last = 0;
  for (let ms = 0; ms < forMs; ms += 100) {
    if (ms === forMs - 60_000) story.forget();
    if (ms >= forMs - 60_000) last += story.orders().filter((order) => order.includes('spawn')).length;
    story.crashed(...story.fleet.workers.map(({ id }) => id)).wait(100);
  }
  return last;
}

test('where no worker gets ready, a fleet of any size is tried as often as one of two', (t) => {
  const two = stillborn(booting(2), 300_000);
  t.true(two >= 14 && two <= 16, String(two));
  t.true(Math.abs(stillborn(booting(8), 300_000) - two) <= 1);
  t.true(Math.abs(stillborn(booting(64), 300_000) - two) <= 1);
  t.true(stillborn(booting(1), 300_000) >= 7, 'one by itself waits for nobody');
});

/** In the first minute of such a fleet. */
function firstStarts(size: number): number {
  const story = booting(size);
  stillborn(story, 60_000);
  return story.fleet.nextId - 1;
}

test('that is so from the beginning, after the first tries, which are free', (t) => {
  const [two, eight] = [firstStarts(2), firstStarts(8)];
  t.true(eight - 3 * 8 <= two - 3 * 2 + 1, `${eight}, ${two}`);
});

test('the first that gets ready lets all others start that have waited out their backoff', (t) => {
  const story = booting(8);
  stillborn(story, 300_000);
  story.wait(4000).forget();
  const [tried] = story.fleet.workers;
  t.is(story.fleet.workers.length, 1);
  story.ready(tried?.id ?? 0);
  t.true(story.orders().filter((order) => order.includes('spawn')).length >= 5);
  story.wait(8000);
  t.is(story.fleet.workers.length, 8, 'within the longest backoff');
});

test('each replacement is counted once, also a tainted worker\u2019s whose first successor died', (t) => {
  const story = serving(1).faulted(1);
  t.is(story.fleet.restarts.length, 1);
  t.is(story.crashed(2).fleet.restarts.length, 2);
  t.is(serving(2).faulted(1).left(1).fleet.restarts.length, 1);
  t.is(serving(2).tell(leaves(1)).left(1).fleet.restarts.length, 1);
  t.is(booting(2).fleet.restarts.length, 0, 'a first start is no restart');
});

test('old restarts are forgotten', (t) => {
  const story = serving(2).crashed(1).ready(3).wait(60_000).tell({ type: 'time-passed' });
  t.deepEqual(story.fleet.restarts, []);
});

test('where restarts are short, whoever has waited longest is replaced first', (t) => {
  const story = serving(2, { intensity: { restarts: 1, withinMs: 60_000 } })
    .faulted(1)
    .ready(3)
    .faulted(3, 2)
    .forget();
  t.deepEqual(story.workers, ['#1 draining', '#2 tainted', '#3 tainted']);
  story.left(1);
  t.deepEqual(story.wait(60_000).orders(), ['60s spawn #4 in slot 1, generation 1']);
  t.deepEqual(story.ready(4).faulted(4).left(2).forget().wait(60_000).orders(), [
    '120s spawn #5 in slot 0, generation 1',
  ]);
});

// Degraded

const told = (story: Story): string[] => story.said().filter((text) => /degraded|recovered/.test(text));

test('three failures in a row make a fleet degraded: said once, and once that it is over', (t) => {
  const story = serving(2).crashed(1).crashed(3).wait(1000).crashed(4);
  t.deepEqual(told(story), [
    'error: degraded: 1 of 2 workers serves; 2 restarts lately, up to 3 failures in a row in one slot. Replacements are slowed down, and go on',
  ]);
  story.wait(2000).ready(5).wait(7999);
  t.deepEqual(told(story), []);
  t.deepEqual(told(story.wait(1)), ['recovered: 2 of 2 workers serve']);
  t.deepEqual(told(story.wait(600_000)), []);
});

test('a fleet that recovers and fails by turns stays degraded: it does not flap', (t) => {
  const story = serving(1).crashed(1).crashed(2).wait(1000).crashed(3);
  t.is(told(story).length, 1);
  for (let id = 4; id < 20; id++) story.wait(8000).ready(id).wait(7000).crashed(id);
  t.deepEqual(told(story), []);
});

test('as many restarts as the intensity allows make a fleet degraded, until half of them are past', (t) => {
  const story = serving(2, { intensity: { restarts: 4, withinMs: 60_000 } });
  story.faulted(1).ready(3).left(1).wait(1000).faulted(3).ready(4).left(3).wait(1000).faulted(4).ready(5).left(4);
  t.deepEqual(told(story), []);
  story.wait(1000).faulted(5).ready(6).left(5);
  t.is(told(story).length, 1);
  t.deepEqual(told(story.wait(57_999)), []);
  t.deepEqual(told(story.wait(2)), ['recovered: 2 of 2 workers serve']);
});

test('a steady storm at the very limit of the intensity is one degraded fleet, not many', (t) => {
  const story = serving(2, tight);
  for (let turn = 0; turn < 50; turn++) {
    for (const worker of story.fleet.workers) {
      if (worker.phase === 'booting') story.ready(worker.id);
      if (worker.phase === 'draining') story.left(worker.id);
    }
    for (const worker of story.fleet.workers) story.faulted(worker.id);
    story.wait(7000);
  }
  t.is(told(story).length, 1);
});

test('a row of failures that ended long ago does not make a single fault a degraded fleet', (t) => {
  const story = serving(2).crashed(1).crashed(3).wait(1000).crashed(4).wait(2000).ready(5).wait(600_000);
  story.said();
  t.deepEqual(told(story.faulted(5)), []);
  t.is(story.fleet.slots[0]?.failures, 0);
});

test('faults now and then, within the intensity, do not keep a large fleet degraded', (t) => {
  const story = serving(8, { intensity: { restarts: 6, withinMs: 60_000 } });
  story.faulted(1, 2, 3, 4, 5, 6);
  t.is(told(story).length, 1);
  for (let turn = 0; turn < 6; turn++) {
    for (const worker of story.fleet.workers) if (worker.phase === 'booting') story.ready(worker.id);
    for (const worker of story.fleet.workers) if (worker.phase === 'draining') story.left(worker.id);
    story.wait(25_000).faulted(story.fleet.workers[0]?.id ?? 0);
  }
  t.deepEqual(told(story), ['recovered: 8 of 8 workers serve']);
});

// Stop

test('a stop drains every worker, waits for all of them, and finishes once', (t) => {
  const story = serving(2).tell(stop);
  t.deepEqual(story.orders(), ['0s drain #1 (stop)', '0s drain #2 (stop)']);
  t.deepEqual(story.left(1).orders(), []);
  t.deepEqual(story.left(2).orders(), ['0s finish']);
  t.deepEqual(story.tell(stop, halt, { type: 'time-passed' }).left(2).wait(600_000).orders(), []);
  t.is(story.host.alarmAt, undefined);
});

test('a stop before anything started, or while every slot waits, finishes at once', (t) => {
  const story = serving(1).crashed(1).crashed(2).forget();
  t.deepEqual(story.tell(stop).orders(), ['0s finish']);
  t.deepEqual(story.wait(60_000).orders(), []);
});

test('a stop while workers boot, are tainted, drain or are killed reaches each of them as it must', (t) => {
  const story = booting(4).wait(1000).ready(1, 2, 3).faulted(1).forget();
  t.deepEqual(story.workers, ['#1 draining', '#2 ready', '#3 ready', '#4 booting', '#5 booting']);
  t.deepEqual(story.tell(stop).orders(), [
    '1s drain #1 (fault)',
    '1s drain #2 (stop)',
    '1s drain #3 (stop)',
    '1s drain #4 (stop)',
    '1s drain #5 (stop)',
  ]);
  t.deepEqual(serving(1).faulted(1).forget().tell(stop).orders(), ['0s drain #1 (stop)', '0s drain #2 (stop)']);
  t.deepEqual(booting(1).wait(10_000).forget().tell(stop).orders(), ['10s drain #2 (stop)']);
});

test('nothing that happens during a stop starts a worker', (t) => {
  const story = serving(2).faulted(1).tell(stop).forget();
  story.ready(3).faulted(2, 3).tell(leaves(2)).crashed(1).crashed(2);
  t.deepEqual(story.orders(), []);
  t.deepEqual(story.crashed(3).orders(), ['0s finish']);
});

test('a worker that does not leave in time holds up no stop', (t) => {
  const story = serving(2).tell(stop).forget().left(1).wait(22_000);
  t.deepEqual(story.orders(), ['22s kill #2 (stop)']);
  t.deepEqual(story.left(2).orders(), ['22s finish']);
});

test('a worker that drains for a fault keeps its cause in a stop, but gets no longer than a stop may take', (t) => {
  const story = serving(2).faulted(1).wait(5000).tell(stop).forget();
  t.like(story.worker(1), { because: 'fault', until: 27_000 });
  t.deepEqual(story.wait(22_000).orders(), ['27s kill #1 (fault)', '27s kill #2 (stop)', '27s kill #3 (stop)']);
  const late = serving(2).faulted(1).wait(20_000).forget().tell(stop);
  t.like(late.worker(1), { because: 'fault', until: 32_000 }, 'nor is its time made longer');
  t.false(late.orders().includes('20s drain #1 (fault)'));
});

test('to ask twice for a stop changes nothing: only a halt hurries', (t) => {
  const story = serving(1).tell(stop).wait(5000).forget().tell(stop);
  t.deepEqual(story.orders(), []);
  t.like(story.worker(1), { until: 22_000 });
});

test('a halt ends everyone at once, whatever they were doing, and no one twice', (t) => {
  const story = booting(3).ready(1, 2).faulted(1).wait(10_000).forget();
  t.deepEqual(story.workers, ['#1 draining', '#2 ready', '#3 killing', '#4 killing', '#5 booting', '#6 booting']);
  t.deepEqual(story.tell(halt).orders(), [
    '10s kill #1 (stop)',
    '10s kill #2 (stop)',
    '10s kill #5 (stop)',
    '10s kill #6 (stop)',
  ]);
  t.deepEqual(story.tell(halt, stop).crashed(1, 2, 3, 4, 5).orders(), []);
  t.deepEqual(story.crashed(6).orders(), ['10s finish']);
});

test('a halt cuts a stop short', (t) => {
  const story = serving(2).tell(stop).left(1).forget();
  t.deepEqual(story.tell(halt).orders(), ['0s kill #2 (stop)']);
  t.deepEqual(story.left(2).orders(), ['0s finish']);
});

test('a halt at the very moment of a deadline kills each worker once', (t) => {
  const { fleet } = serving(2).faulted(1).ready(3);
  const { effects } = decide(fleet, halt, 32_000, policy);
  t.deepEqual(
    effects.map((effect) => 'id' in effect && [effect.type, effect.id]),
    [
      ['kill', 1],
      ['kill', 2],
      ['kill', 3],
    ],
  );
});
