// Whether domains, tasks and sessions go when they are done with: a million of each, then the heap, and how many of them
// the garbage collector still finds.
//
//   node --expose-gc bench/domains/leak.mjs [--count 1000000]
import { EventEmitter } from 'node:events';
import { parseArgs } from 'node:util';
import * as v8 from 'node:v8';
import { createTask, Domain, Session } from 'cordon/domain';

const { values } = parseArgs({ options: { count: { type: 'string', default: '1000000' } } });
const count = Number(values.count);
const later = async (fn) => {
  await Promise.resolve();
  fn();
};
const turn = () => new Promise((resolve) => setImmediate(resolve));

const cases = {
  'domain, run and dropped': () => new Domain().run(() => {}),
  'domain with an emitter, a tick and a promise': () =>
    new Domain().run(() => {
      const emitter = new EventEmitter();
      emitter.on('event', () => {});
      process.nextTick(() => emitter.emit('event'));
      void later(() => emitter.emit('event'));
    }),
  'domain that handled an error': () => {
    const domain = new Domain().on('error', () => {});
    domain.run(() => new EventEmitter()).emit('error', new Error('routed'));
  },
  'task, short': () => {
    void createTask(() => {}).setCallback(() => {});
  },
  'task with a timer and a promise': () => {
    void createTask(() => {
      setTimeout(() => {}, 0);
      void later(() => {});
    }).setCallback(() => {});
  },
  session: () => {
    const session = new Session();
    session.add((done) => done(1));
    session.close(() => {});
  },
};

async function settledHeap() {
  for (let i = 0; i < 10; i++) {
    await turn();
    globalThis.gc();
  }
  return process.memoryUsage().heapUsed / 1e6;
}

/** Every domain there is, of whatever class; the prototypes of these classes, counted before the first, do not count. */
const domains = () => v8.queryObjects?.(Domain, { format: 'count' }) ?? Number.NaN;
const prototypes = domains();

console.log(`node ${process.version}, ${count} of each`);
for (const [name, make] of Object.entries(cases)) {
  for (let i = 0; i < 1000; i++) make();
  const before = await settledHeap();
  for (let i = 0; i < count; i++) {
    make();
    if (i % 1000 === 0) await turn();
  }
  const after = await settledHeap();
  const kept = domains() - prototypes;
  console.log(`${name.padEnd(46)} ${before.toFixed(1)} -> ${after.toFixed(1)} MB, ${kept} domains left`);
}
