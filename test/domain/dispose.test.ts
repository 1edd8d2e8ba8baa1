import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import { PassThrough } from 'node:stream';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import { create, Domain } from 'cordon/domain';

test('dispose ends, destroys and closes the members, clears the timers, and says so once', async (t) => {
  const d = create();
  const stream = new PassThrough();
  const server = createServer().listen(0);
  await once(server, 'listening');
  const request = Object.assign(new EventEmitter(), { aborted: 0, abort: () => request.aborted++ });
  d.add(stream);
  d.add(server);
  d.add(request);
  d.add(setTimeout(() => t.fail(), 1));
  d.add(setInterval(() => t.fail(), 1));
  d.add(setImmediate(() => t.fail()));
  let disposed = 0;
  d.on('dispose', () => disposed++);
  d.dispose();
  d.dispose();
  await once(server, 'close');
  t.true(stream.destroyed);
  t.is(request.aborted, 1);
  t.is(disposed, 1);
  t.deepEqual(d.members, []);
  await new Promise((resolve) => setTimeout(resolve, 5));
});

test('dispose ends a worker thread', async (t) => {
  const worker = new Worker('setInterval(() => {}, 1000)', { eval: true });
  await once(worker, 'online');
  const d = create();
  d.add(worker);
  d.dispose();
  t.deepEqual(await once(worker, 'exit'), [1]);
});

test('a member whose end is a promise that is rejected disturbs nobody', async (t) => {
  const d = create();
  const member = Object.assign(new EventEmitter(), { close: () => Promise.reject(new Error('cannot close')) });
  const outer = create();
  outer.on('error', () => t.fail());
  outer.run(() => {
    d.add(member);
    d.dispose();
  });
  await new Promise((resolve) => setImmediate(resolve));
  t.true(d.disposed);
});

test('a member that cannot even be asked how it ends does not keep the others from ending', (t) => {
  const d = create();
  const broken = Object.defineProperty(new EventEmitter(), 'close', {
    get: () => {
      throw new Error('cannot tell');
    },
  });
  const stream = new PassThrough();
  d.add(broken);
  d.add(stream);
  d.dispose();
  t.true(stream.destroyed);
});

test('an emitter that is assigned to another domain is no member of the first, and can be added again', (t) => {
  const [one, other] = [create(), create()];
  const emitter = new EventEmitter() as EventEmitter & { domain?: Domain };
  one.add(emitter);
  emitter.domain = other;
  t.deepEqual(one.members, []);
  one.add(emitter);
  t.is(emitter.domain, one);
});

test('a member whose end throws does not keep the others from ending', (t) => {
  const d = create();
  const broken = Object.assign(new EventEmitter(), {
    destroy: () => {
      throw new Error('cannot end');
    },
  });
  const stream = new PassThrough();
  d.add(broken);
  d.add(stream);
  d.dispose();
  t.true(stream.destroyed);
});

test('disposing a domain disposes the domains that were added to it, and leaves its own parent', (t) => {
  const [outer, inner, innermost] = [create(), create(), create()];
  outer.add(inner);
  inner.add(innermost);
  inner.dispose();
  t.true(innermost.disposed);
  t.false(outer.disposed);
  t.deepEqual(outer.members, []);
});

test('bound and intercepted callbacks of a disposed domain are not called', (t) => {
  const d = create();
  const bound = d.bind(() => t.fail());
  const intercepted = d.intercept(() => t.fail());
  d.dispose();
  bound();
  intercepted(new Error('ignored'));
  t.pass();
});

test('after dispose, errors of what was in the domain are ignored', (t) => {
  const outer = create();
  outer.on('error', () => t.fail());
  const d = outer.run(create);
  d.on('error', () => t.fail());
  const emitter = d.run(() => new EventEmitter());
  d.dispose();
  emitter.emit('error', new Error('late'));
  t.pass();
});

test('the signal is aborted by dispose, and is so from the start when asked for afterwards', (t) => {
  const [early, late] = [create(), create()];
  const { signal } = early;
  t.false(signal.aborted);
  early.dispose();
  late.dispose();
  t.true(signal.aborted);
  t.true(late.signal.aborted);
});

test('a domain is disposable, and asynchronously so', async (t) => {
  const [a, b] = [create(), create()];
  a[Symbol.dispose]();
  await b[Symbol.asyncDispose]();
  t.deepEqual([a.disposed, b.disposed], [true, true]);
});

test('a member that is removed is not disposed, and a timer then fails as if it had never been added', (t) => {
  const d = create();
  const timer = setTimeout(() => {}, 1);
  const callback = Reflect.get(timer, '_onTimeout');
  d.add(timer);
  t.not(Reflect.get(timer, '_onTimeout'), callback);
  d.remove(timer);
  t.is(Reflect.get(timer, '_onTimeout'), callback);
  d.dispose();
  clearTimeout(timer);
});

test('the callback of a timer that was added runs in the domain', async (t) => {
  const d = create();
  const seen = await new Promise((resolve) => d.add(setTimeout(() => resolve(Domain.current()), 1)));
  t.is(seen, d);
});
