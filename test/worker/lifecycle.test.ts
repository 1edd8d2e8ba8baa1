import test from 'ava';
import { deadline, type Fact, type Life, live, type Order } from '../../worker/lifecycle.js';
import type { Cause } from '../../worker/protocol.js';

const terms = { killTimeoutMs: 30_000, lingerMs: 1000 };
const drain = (because: Cause, told: boolean): Fact => ({ type: 'drain', because, terms, told });

const lives = {
  booting: { phase: 'booting' },
  serving: { phase: 'serving', faulted: false },
  faulty: { phase: 'serving', faulted: true },
  draining: { phase: 'draining', because: 'fault', until: 20_000 },
  gone: { phase: 'gone' },
} satisfies Record<string, Life>;

const facts = {
  listening: { type: 'listening' },
  fault: { type: 'fault' },
  'drain, as told': drain('stop', true),
  'drain by itself': drain('disconnected', false),
  emptied: { type: 'emptied' },
  'time-passed before': { type: 'time-passed' },
  'time-passed at the end': { type: 'time-passed' },
} satisfies Record<string, Fact>;

const stop = { type: 'stop-accepting', lingerMs: 1000 } as const;
const tellFaulted = { type: 'tell', message: { type: 'faulted' } } as const;
const tellLeaving = { type: 'tell', message: { type: 'draining', because: 'disconnected' } } as const;
const goes = (because: Cause): Life => ({ phase: 'draining', because, until: 40_000 });

/** What is not named here changes nothing and orders nothing. */
const changes: { [L in keyof typeof lives]: { [F in keyof typeof facts]?: [Life, ...Order[]] } } = {
  booting: {
    listening: [lives.serving],
    'drain, as told': [goes('stop'), stop],
    'drain by itself': [goes('disconnected'), tellLeaving, stop],
  },
  serving: {
    fault: [lives.faulty, tellFaulted],
    'drain, as told': [goes('stop'), stop],
    'drain by itself': [goes('disconnected'), tellLeaving, stop],
  },
  faulty: {
    'drain, as told': [goes('stop'), stop],
    'drain by itself': [goes('disconnected'), tellLeaving, stop],
  },
  draining: {
    emptied: [lives.gone, { type: 'leave', code: 81 }],
    'time-passed at the end': [lives.gone, { type: 'cut' }, { type: 'leave', code: 82 }],
  },
  gone: {},
};

for (const [phase, life] of Object.entries(lives)) {
  for (const [name, fact] of Object.entries(facts)) {
    const change = changes[phase as keyof typeof lives][name as keyof typeof facts];
    test(`${phase}: ${name} ${change ? `makes it ${change[0].phase}` : 'changes nothing'}`, (t) => {
      const [after, ...orders] = change ?? [life];
      const now = name === 'time-passed at the end' ? 20_000 : 10_000;
      t.deepEqual(live(life, fact, now), { life: after, orders });
    });
  }
}

test('a worker says with its exit code why it went', (t) => {
  const codes = (['fault', 'stop', 'orphaned', 'disconnected', 'stalled'] as const).map((because) => {
    const { orders } = live({ phase: 'draining', because, until: 1 }, { type: 'emptied' }, 0);
    return orders.map((order) => order.type === 'leave' && order.code);
  });
  t.deepEqual(codes.flat(), [81, 0, 83, 0, 0]);
});

test('who drains already keeps its cause, and its time unless others give it less', (t) => {
  const after = (because: Cause, killTimeoutMs: number): Life =>
    live(lives.draining, { type: 'drain', because, told: true, terms: { ...terms, killTimeoutMs } }, 10_000).life;
  t.deepEqual(after('stop', 5000), { ...lives.draining, until: 15_000 });
  t.deepEqual(after('orphaned', 5000), { ...lives.draining, until: 15_000 });
  t.deepEqual(after('stop', 30_000), lives.draining);
  t.deepEqual(after('disconnected', 5000), lives.draining, 'the program cannot shorten what its clients were promised');
});

test('only a drain has a deadline', (t) => {
  t.deepEqual(Object.values(lives).map(deadline), [undefined, undefined, undefined, 20_000, undefined]);
});
