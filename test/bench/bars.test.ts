// The bars of the chaos suite: each can be missed, and what is not there never passes.
import { spawnSync } from 'node:child_process';
import test from 'ava';
import { bars, known, missing, play, scenarios } from '../support/chaos.js';
import { fixture, root } from '../support/fleet.js';

const there = new Set(['key:handOver']);
const counted = (more: object): object => ({
  counted: 100,
  sent: 100,
  lost: 0,
  longestMs: 500,
  processes: new Map(),
  ...more,
});
const clients = (...opened: number[]): Map<string, Map<string, number>> =>
  new Map([['kept', new Map(opened.map((count, at) => [`kept-${at}`, count]))]]);

/** For each bar what clears it, and what does not. */
const cases: Record<string, [cleared: object, missed: object[]]> = {
  lost: [
    { referee: counted({}), facts: { open: 0 } },
    [
      { referee: counted({ lost: 1 }), facts: { open: 0 } },
      { referee: counted({ counted: 0 }), facts: { open: 0 } },
      { referee: counted({}), facts: { open: 1 } },
    ],
  ],
  requests: [{ referee: counted({}), wanted: 100 }, [{ referee: counted({}), wanted: 101 }]],
  steps: [
    { facts: { steps: [{ name: 'reload 1', tookMs: 5 }] } },
    [{ facts: { steps: [{ name: 'reload 1', why: 'late' }] } }, { facts: { steps: [] } }],
  ],
  reopened: [
    { referee: { clients: clients(1, 1) }, there },
    [
      { referee: { clients: clients(1, 2) }, there },
      { referee: { clients: clients() }, there },
    ],
  ],
  replaced: [
    { referee: { processes: { size: 3 } }, fleet: { workers: 2 } },
    [{ referee: { processes: { size: 2 } }, fleet: { workers: 2 } }],
  ],
  successor: [
    { facts: { boot: { ms: 100 }, deaths: [{ successorMs: 150 }] }, scenario: { allowanceMs: 50 } },
    [
      {
        facts: { boot: { ms: 100 }, deaths: [{ successorMs: 150 }, { successorMs: 151 }] },
        scenario: { allowanceMs: 50 },
      },
      { facts: { boot: { ms: 100 }, deaths: [{}] }, scenario: { allowanceMs: 50 } },
      { facts: { deaths: [{ successorMs: 26 }] }, scenario: { allowanceMs: 25 } },
      { facts: { deaths: [] }, scenario: { allowanceMs: 25 } },
    ],
  ],
  stopped: [
    { facts: { stopped: { code: 0, tookMs: 1500 } }, referee: counted({}), scenario: { lingerMs: 1000 } },
    [
      { facts: { stopped: { code: 0, tookMs: 1501 } }, referee: counted({}), scenario: { lingerMs: 1000 } },
      { facts: { stopped: { code: 143, tookMs: 10 } }, referee: counted({}), scenario: { lingerMs: 1000 } },
      { facts: { stopped: { tookMs: 10 } }, referee: counted({}), scenario: { lingerMs: 1000 } },
    ],
  ],
  balance: [
    { facts: { balance: [{ held: [22, 8, 15, 15], share: 15 }] } },
    [
      {
        facts: {
          balance: [
            { held: [15, 15, 15, 15], share: 15 },
            { held: [23, 7, 15, 15], share: 15 },
          ],
        },
      },
    ],
  ],
  held: [
    { facts: { held: { count: 5, survived: 4, fates: { ended: 1 } } } },
    [{ facts: { held: { count: 5, survived: 4, fates: { reset: 1 } } } }],
  ],
  hooks: [
    { fleet: { lines: [{ msg: 'chaos: closed' }] }, there: new Set(['worker:onDrained']) },
    [{ fleet: { lines: [{ msg: 'closed' }] }, there: new Set(['worker:onDrained']) }],
  ],
  exit: [{ facts: { exit: 0, left: 0 } }, [{ facts: { exit: 143, left: 0 } }, { facts: { exit: 0, left: 1 } }]],
};

for (const [name, [cleared, missed]] of Object.entries(cases)) {
  test(`the bar '${name}' is held where it should be, and missed where it should be`, (t) => {
    t.true(bars[name]?.(cleared).held);
    for (const seen of missed) t.false(bars[name]?.(seen).held);
  });
}

test('every bar that a scenario names is there, and has been seen to miss', (t) => {
  const named = new Set(['hooks', ...Object.values(scenarios).flatMap((scenario) => scenario.bars)]);
  t.deepEqual([...named].toSorted(), Object.keys(cases).toSorted());
});

test('a scenario whose mechanism is not there is not played, and does not pass', async (t) => {
  const run = await play({ needs: ['signal:SIGHUP', 'command:reload'] }, {}, new Set(['signal:SIGHUP']));
  t.deepEqual(run.absent, ['command:reload']);
  t.is(run.verdicts, undefined);
  t.deepEqual(missing(['a', 'b'], new Set(['b'])), ['a']);
});

test('keys that this cordon does not know are left out of the configuration', (t) => {
  const config = { stop: { linger: '1s', closeSpread: '1s' }, standby: 1, args: ['a'] };
  const keys = new Set(['key:stop', 'key:stop.linger', 'key:args']);
  t.deepEqual(known(config, keys), { stop: { linger: '1s' }, args: ['a'] });
});

/** Plays it on a fleet whose program ends the connection under each fiftieth request. */
function playLossy(scenario: string): { status: number | null; stdout: string } {
  const orders = ['--scenario', scenario, '--short', '--requests', '600', '--seconds', '30'];
  const words = [`${root}bench/chaos/main.mjs`, ...orders, '--server', fixture('servers/lossy.mjs')];
  return spawnSync(process.execPath, words, { encoding: 'utf8', timeout: 100_000 });
}

test.serial('a fleet whose program loses requests makes the command end with 1, and say how many and why', (t) => {
  t.timeout(120_000);
  const { status, stdout } = playLossy('steady');
  t.is(status, 1, stdout);
  t.regex(stdout, /MISSED: lost: [1-9]\d* lost of \d+/);
  t.regex(stdout, /× fast: closed before the answer, amid/);
  t.regex(stdout, /websocket +8 sent +8 answered +0 lost/);
});

test.serial('a death excuses what the dead worker held, and no other loss', (t) => {
  t.timeout(120_000);
  const { status, stdout } = playLossy('sigkill');
  t.is(status, 1, stdout);
  t.regex(stdout, /excused: in flight in the killed worker [1-9]/);
  t.regex(stdout, /MISSED: lost: [1-9]\d* lost of/);
  // The program's doing, all of it: nothing else is lost. Those who queue ask for the same.
  const reasons = [...stdout.matchAll(/ × (.*), amid/g)].map(([, reason = '']) => reason.replace(/^queue/, 'fast'));
  t.deepEqual([...new Set(reasons)], ['fast: closed before the answer']);
});
