// The storage that remembers answers, wherever it is asked, what Node's own does: both are led through the same walk.
import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import { stat } from 'node:fs';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { makeStorage } from '../../worker/domain/storage.js';

const STEPS = 4000;

test('whatever calls back, the storage knows what was stored for it', async (t) => {
  const own = makeStorage<number>();
  const nodes = new AsyncLocalStorage<number | undefined>();
  let seed = 7;
  const die = (sides: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff;
    return (seed >> 8) % sides;
  };
  let asked = 0;
  const differing: string[] = [];
  const ask = (where: string): void => {
    asked += 1;
    const [mine, theirs] = [own.getStore(), nodes.getStore()];
    if (mine !== theirs) differing.push(`${where}: ${mine}, not ${theirs}`);
  };

  let left = STEPS;
  const waiting = new Set<Promise<unknown>>();
  const later = (where: string, begin: (done: () => void) => unknown): void => {
    const over = new Promise<void>((resolve) =>
      begin(() => {
        ask(`${where}, called back`);
        walk(where);
        ask(`${where}, after what it did`);
        resolve();
      }),
    );
    waiting.add(over);
  };
  const resources: AsyncResource[] = [];
  const server = createServer((_request, response) => {
    ask('request');
    walk('request');
    response.end();
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;

  const inBoth = (store: number | undefined, fn: () => void): void => own.run(store, () => nodes.run(store, fn));
  const ways: Record<string, () => void> = {
    'enter, unasked': () =>
      resources[die(resources.length || 1)]?.runInAsyncScope(() => {
        own.enterWith(seed);
        nodes.enterWith(seed);
      }),
    run: () => inBoth(die(5), () => walk('run')),
    'run in the same': () => inBoth(nodes.getStore(), () => walk('run in the same')),
    'run in none': () => inBoth(undefined, () => walk('run in none')),
    enter: () => {
      const store = die(5);
      own.enterWith(store);
      nodes.enterWith(store);
    },
    'run that throws': () => {
      try {
        inBoth(die(5), () => {
          walk('run that throws');
          throw new Error('on purpose');
        });
      } catch {
        ask('caught');
      }
    },
    timer: () => later('timer', (done) => setTimeout(done, die(3))),
    immediate: () => later('immediate', (done) => setImmediate(done)),
    tick: () => later('tick', (done) => process.nextTick(done)),
    microtask: () => later('microtask', (done) => queueMicrotask(done)),
    promise: () => later('promise', (done) => Promise.resolve().finally(done)),
    await: () =>
      later('await', async (done) => {
        await Promise.resolve();
        ask('after an await');
        await sleep(0);
        done();
      }),
    file: () => later('file', (done) => stat('.', done)),
    request: () =>
      later('answer', (done) =>
        get({ port, host: '127.0.0.1', agent: false }, (answer) => answer.resume().on('end', done)),
      ),
    resource: () => void resources.push(new AsyncResource('walk')),
    scope: () => resources[die(resources.length || 1)]?.runInAsyncScope(() => walk('scope')),
  };
  const names = Object.keys(ways);
  let depth = 0;
  function walk(where: string): void {
    depth += 1;
    const steps = depth > 6 ? 0 : 1 + die(4);
    for (let i = 0; i < steps && left > 0; i++) {
      left -= 1;
      const name = names[die(names.length)] as string;
      ways[name]?.();
      ask(`${where}, after ${name}`);
    }
    depth -= 1;
  }

  while (left > 0) {
    walk('the beginning');
    while (waiting.size > 0) {
      const all = [...waiting];
      waiting.clear();
      await Promise.all(all);
      ask('all have called back');
    }
  }
  server.close();
  t.deepEqual(differing, []);
  t.true(asked > STEPS);
});
