// An entry and its lease, as stories: which request comes next, and what the operator hears.
import test from 'ava';
import { due, type Fact, type Keeper, learn, nothingKept } from '../../../supervisor/registry/lease.js';

const terms = { ttlMs: 15_000, servers: 3 };

/** A keeper whose clock moves by what it is told. */
function keeper(changes: Partial<typeof terms> = {}) {
  const all = { ...terms, ...changes };
  let state: Keeper = nothingKept;
  let now = 0;
  return {
    want(wanted: string | undefined) {
      state = { ...state, wanted };
      return this;
    },
    wait(ms: number) {
      now += ms;
      return this;
    },
    /** What is due: `put a under 1`, `nothing until 5 s`. */
    due(): string {
      const order = due(state, now, all);
      if (order.type === 'wait') return order.until === undefined ? 'nothing' : `nothing until ${order.until / 1000} s`;
      if (order.type === 'grant') return `grant ${order.ttlMs / 1000} s`;
      return order.type === 'put' ? `put ${order.value} under ${order.lease}` : `${order.type} ${order.lease}`;
    },
    learn(...facts: readonly Fact[]): string[] {
      return facts.flatMap((fact) => {
        const learned = learn(state, fact, now, all, 0.5);
        state = learned.keeper;
        return learned.news.map(({ type }) => type);
      });
    },
  };
}
const granted: Fact = { type: 'granted', lease: '1', ttlMs: 15_000 };
const renewed: Fact = { type: 'renewed', ttlMs: 15_000 };
const failed: Fact = { type: 'failed', why: 'gone' };

test('an entry gets a lease, is written, and its lease is renewed twice more often than it has to be', (t) => {
  const one = keeper();
  t.is(one.due(), 'nothing');
  t.is(one.want('a').due(), 'grant 15 s');
  t.deepEqual(one.learn(granted), []);
  t.is(one.due(), 'put a under 1');
  t.deepEqual(one.learn({ type: 'put', value: 'a' }), ['registered']);
  t.is(one.due(), 'nothing until 5 s');
  t.is(one.wait(5000).due(), 'renew 1');
  t.deepEqual(one.learn(renewed), []);
  t.is(one.due(), 'nothing until 10 s');
});

test('a server that grants less time is asked sooner', (t) => {
  const one = keeper().want('a');
  one.learn({ ...granted, ttlMs: 3000 }, { type: 'put', value: 'a' });
  t.is(one.due(), 'nothing until 1 s');
});

test('a change is written at once, the next one a second later; what is no longer wanted goes at once', (t) => {
  const one = keeper().want('a');
  one.learn(granted, { type: 'put', value: 'a' });
  t.is(one.wait(1000).want('b').due(), 'put b under 1');
  one.learn({ type: 'put', value: 'b' });
  t.is(one.wait(10).want('c').due(), 'nothing until 2 s');
  t.is(one.want(undefined).due(), 'revoke 1');
  t.deepEqual(one.learn({ type: 'revoked' }), ['gone']);
  t.is(one.due(), 'nothing');
  t.is(one.want('d').due(), 'grant 15 s');
});

test('a lease that ran out is followed by another one, and the entry is written anew', (t) => {
  const one = keeper().want('a');
  one.learn(granted, { type: 'put', value: 'a' });
  one.wait(5000);
  t.deepEqual(one.learn({ type: 'lost' }), []);
  t.is(one.due(), 'grant 15 s');
  one.learn({ ...granted, lease: '2' });
  t.is(one.due(), 'put a under 2');
  t.deepEqual(one.learn({ type: 'put', value: 'a' }), ['registered']);
});

test('each server is asked before it is told that none answers; that is told once, and so is the end of it', (t) => {
  const one = keeper().want('a');
  one.learn(granted, { type: 'put', value: 'a' });
  one.wait(5000);
  t.deepEqual(one.learn(failed, failed), []);
  t.is(one.due(), 'renew 1', 'the next server is asked at once');
  t.deepEqual(one.learn(failed), ['silent']);
  t.is(one.due(), 'nothing until 5.2 s');
  t.is(one.wait(200).due(), 'renew 1');
  t.deepEqual(one.learn(failed, failed, failed, failed, failed, failed), []);
  t.is(one.due(), 'nothing until 6 s', 'longer each time');
  t.deepEqual(one.learn({ type: 'lost' }, { ...granted, lease: '2' }), []);
  t.deepEqual(one.learn({ type: 'put', value: 'a' }), ['back']);
});

test('waits never grow longer than the time between renewals', (t) => {
  const one = keeper({ ttlMs: 3000, servers: 1 }).want('a');
  for (let i = 0; i < 30; i++) one.learn(failed);
  t.is(one.due(), 'nothing until 1 s');
});

test('a request that was not answered may be carried out late: the entry is written once more', (t) => {
  const one = keeper().want('a');
  one.learn(granted, { type: 'put', value: 'a' });
  one.wait(1000).want('b');
  one.learn(failed, { type: 'put', value: 'b' });
  one.wait(4000);
  t.is(one.due(), 'renew 1');
  t.deepEqual(one.learn(renewed), []);
  t.is(one.due(), 'put b under 1');
  t.deepEqual(one.learn({ type: 'put', value: 'b' }), []);
  t.is(one.wait(1000).due(), 'nothing until 10 s');
});

test('an entry that is not wanted any more while its lease is granted is never written', (t) => {
  const one = keeper().want('a');
  one.want(undefined).learn(granted);
  t.is(one.due(), 'revoke 1');
  t.deepEqual(one.learn({ type: 'lost' }), ['gone']);
  t.is(one.due(), 'nothing');
});
