import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { create, createDomain, Domain, domain } from 'cordon/domain';

const bug = new Error('bug');

/** Under the name that node:domain has for it. */
const entered = () => Reflect.get(domain, '_stack');
const active = () => (process as NodeJS.Process & { domain?: Domain | null }).domain;
const domainOf = (promise: Promise<unknown>) => (promise as Promise<unknown> & { domain?: Domain }).domain;
const join = (...args: string[]) => args.join(' ');

test('run returns what its function returns, hands on arguments, and makes the domain active and `this`', (t) => {
  const d = create();
  const sum = d.run(
    function (this: Domain, a: number, b: number) {
      t.is(this, d);
      t.is(Domain.current(), d);
      return a + b;
    },
    1,
    2,
  );
  t.is(sum, 3);
  t.is(Domain.current(), undefined);
});

test('what run throws is thrown on', (t) => {
  const d = create();
  t.is(
    t.throws(() =>
      d.run(() => {
        throw bug;
      }),
    ),
    bug,
  );
  t.is(Domain.current(), undefined);
});

test('the context follows timers, ticks, microtasks, promises and awaits', async (t) => {
  const d = create();
  const seen: (Domain | undefined)[] = [];
  const see = () => seen.push(Domain.current());
  await d.run(async () => {
    process.nextTick(see);
    queueMicrotask(see);
    setImmediate(see);
    setTimeout(see, 1);
    await Promise.resolve().then(see);
    await sleep(5);
    await new Promise((resolve) => setImmediate(resolve));
    see();
  });
  t.deepEqual(seen, [d, d, d, d, d, d]);
});

test('a promise handler runs where then was called, not where the promise was made', async (t) => {
  const maker = create();
  const reader = create();
  const promise = maker.run(() => Promise.resolve());
  t.is(await reader.run(() => promise.then(() => Domain.current())), reader);
});

test('enter and exit are a stack: exiting an outer domain leaves those entered within it', (t) => {
  const [a, b, c] = [create(), create(), create()];
  a.enter();
  b.enter();
  c.enter();
  t.deepEqual(entered(), [a, b, c]);
  b.exit();
  t.deepEqual(entered(), [a]);
  t.is(domain.active, a);
  create().exit();
  t.is(domain.active, a);
  a.exit();
  t.is(domain.active, undefined);
});

test('exit within run leaves the domain for the rest of the function only', (t) => {
  const [outer, inner] = [create(), create()];
  outer.run(() => {
    inner.run(() => {
      inner.exit();
      t.is(Domain.current(), outer);
    });
    t.is(Domain.current(), outer);
    t.deepEqual(entered(), [outer]);
  });
});

test('a new tick begins with the domain that it belongs to, whatever was left entered', async (t) => {
  const [left, own] = [create(), create()];
  const stack = own.run(() => new Promise((resolve) => setImmediate(() => resolve(entered()))));
  setImmediate(() => left.enter());
  t.deepEqual(await stack, [own]);
});

test('process.domain is the active domain', (t) => {
  const d = create();
  t.is(active(), undefined);
  t.is(d.run(active), d);
  t.is(active(), undefined);
});

test('an emitter made in a domain belongs to it, invisibly', (t) => {
  const d = create();
  const emitter = d.run(() => new EventEmitter()) as EventEmitter & { domain: Domain };
  t.is(emitter.domain, d);
  t.deepEqual(
    Reflect.ownKeys(emitter).filter((key) => /domain/i.test(String(key))),
    [],
  );
  t.deepEqual(d.members, []);
});

const strange: Record<string, () => EventEmitter> = {
  'was mixed together': () => Object.assign(Object.create(null), EventEmitter.prototype) as EventEmitter,
  'is frozen': () => Object.freeze(new EventEmitter().on('event', () => {})),
  'is made by two constructors': () => {
    class Twice extends EventEmitter {
      constructor() {
        super();
        Reflect.apply(EventEmitter as unknown as () => void, this, []);
      }
    }
    return new Twice();
  },
  'is reached through a proxy': () => new Proxy(new EventEmitter(), {}),
};

for (const [name, make] of Object.entries(strange))
  test(`an emitter that ${name} emits as ever, within a domain and without`, (t) => {
    const d = create();
    for (const emitter of [make(), d.run(make)]) {
      if (!Object.isFrozen(emitter)) emitter.on('event', (word) => t.is(word, 'heard'));
      for (let i = 0; i < 2; i++) t.true(emitter.emit('event', 'heard'));
      t.throws(() => emitter.emit('error', bug), { is: bug });
    }
  });

test('a program may keep a property called domain on its own emitters', (t) => {
  class Mailer extends EventEmitter {
    domain: string;

    constructor(name: string) {
      super();
      this.domain = name;
    }
  }
  const d = create();
  const mailer = d.run(() => new Mailer('example.org'));
  const errors: unknown[] = [];
  d.on('error', (error) => errors.push(error));
  mailer.emit('error', bug);
  t.is(mailer.domain, 'example.org');
  t.deepEqual(errors, [bug]);
});

test('the listeners of a member run in its domain, whoever emits', (t) => {
  const d = create();
  const emitter = d.run(() => new EventEmitter());
  let seen: Domain | undefined;
  emitter.on('event', () => {
    seen = Domain.current();
  });
  t.true(emitter.emit('event'));
  t.is(seen, d);
});

test('an unheard error event goes to the domain, with what node:domain tells of it', (t) => {
  const d = create();
  const emitter = d.run(() => new EventEmitter());
  const error = Object.assign(new Error('unheard'), {} as Record<string, unknown>);
  let heard: unknown;
  d.on('error', (each) => {
    heard = each;
    t.is(Domain.current(), undefined);
  });
  t.false(emitter.emit('error', error));
  t.is(heard, error);
  t.is(error['domain'], d);
  t.is(error['domainEmitter'], emitter);
  t.is(error['domainThrown'], false);
  t.is(error['domain_emitter'], emitter);
  t.is(error['domain_thrown'], false);
  t.is(error['domainBound'], undefined);
  t.deepEqual(Object.keys(error), []);
});

test('an error event with a listener is the listener’s alone', (t) => {
  const d = create();
  d.on('error', () => t.fail());
  const emitter = d.run(() => new EventEmitter());
  emitter.on('error', (error) => t.is(error, bug));
  emitter.emit('error', bug);
});

test('an error event that no domain wants throws, as it would without domains', (t) => {
  const emitter = create().run(() => new EventEmitter());
  t.is(
    t.throws(() => emitter.emit('error', bug)),
    bug,
  );
});

test('error monitors hear what goes to a domain', (t) => {
  const d = create();
  d.on('error', () => {});
  const emitter = d.run(() => new EventEmitter());
  let monitored: unknown;
  emitter.on(EventEmitter.errorMonitor, (error) => {
    monitored = error;
  });
  emitter.emit('error', bug);
  t.is(monitored, bug);
});

test('an error event without an error makes one', (t) => {
  const d = create();
  let heard: unknown;
  d.on('error', (error) => {
    heard = error;
  });
  d.run(() => new EventEmitter()).emit('error');
  t.is((heard as NodeJS.ErrnoException).code, 'ERR_UNHANDLED_ERROR');
});

test('add registers a member once, and takes it from the domain that it was in', (t) => {
  const [a, b] = [create(), create()];
  const emitter = new EventEmitter() as EventEmitter & { domain: Domain | undefined };
  a.add(emitter);
  a.add(emitter);
  t.deepEqual(a.members, [emitter]);
  b.add(emitter);
  t.deepEqual(a.members, []);
  t.deepEqual(b.members, [emitter]);
  t.is(emitter.domain, b);
  b.remove(emitter);
  t.deepEqual(b.members, []);
  t.is(emitter.domain, undefined);
});

test('a domain cannot be added to itself, nor in a circle', (t) => {
  const [a, b] = [create(), create()];
  a.add(a);
  a.add(b);
  b.add(a);
  t.deepEqual([a.members, b.members], [[b], []]);
});

test('a domain is not a member of the one it was made in unless it is added', (t) => {
  const outer = create();
  const inner = outer.run(create);
  t.deepEqual(outer.members, []);
  t.is(inner.enclosing, outer);
  outer.dispose();
  t.false(inner.disposed);
});

test('what a domain does not hear goes to the one that it was added to, and to the one that it was made in', (t) => {
  const [parent, maker] = [create(), create()];
  const heard: string[] = [];
  const inner = maker.run(create);
  const emitter = inner.run(() => new EventEmitter());
  maker.on('error', () => heard.push('maker'));
  emitter.emit('error', bug);
  parent.add(inner);
  parent.on('error', () => heard.push('parent'));
  emitter.emit('error', bug);
  inner.on('error', () => heard.push('inner'));
  emitter.emit('error', bug);
  t.deepEqual(heard, ['maker', 'parent', 'inner']);
});

test('an error handler that throws passes the error to the enclosing domain', (t) => {
  const outer = create();
  const inner = outer.run(create);
  const second = new Error('second');
  const heard: unknown[] = [];
  outer.on('error', (error) => heard.push(error));
  inner.on('error', () => {
    t.is(Domain.current(), outer);
    throw second;
  });
  inner.run(() => new EventEmitter()).emit('error', bug);
  t.deepEqual(heard, [second]);
});

test('an error that is passed on names the domain that handled it first', (t) => {
  const outer = create();
  const inner = outer.run(create);
  const error = new Error('rethrown') as Error & { domain?: Domain };
  outer.on('error', () => {});
  inner.on('error', (each) => {
    throw each;
  });
  inner.run(() => new EventEmitter()).emit('error', error);
  t.is(error.domain, inner);
});

test('an error handler that throws, with no domain left, throws out of emit, and is not asked again', (t) => {
  const d = create();
  let asked = 0;
  d.on('error', () => {
    asked++;
    throw bug;
  });
  t.throws(() => d.run(() => new EventEmitter().emit('error', new Error('first'))), { is: bug });
  t.is(asked, 1);
});

test('bind runs a callback in the domain, with its this and arguments', (t) => {
  const d = create();
  const bound = d.bind(function (this: { base: number }, n: number) {
    t.is(Domain.current(), d);
    return this.base + n;
  });
  t.is(bound.call({ base: 40 }, 2), 42);
  t.is((bound as unknown as { domain: Domain }).domain, d);
});

test('intercept sends an error in front to the domain, and drops that place otherwise', (t) => {
  const d = create();
  const heard: unknown[] = [];
  const error = new Error('first argument') as Error & { domainBound?: unknown; domainThrown?: boolean };
  d.on('error', (each) => heard.push(each));
  const intercepted = d.intercept(join);
  t.is(intercepted(null, 'a', 'b'), 'a b');
  t.is(intercepted(error, 'a'), undefined);
  t.deepEqual(heard, [error]);
  t.is(error.domainBound, join);
  t.is(error.domainThrown, false);
});

test('intercept throws what no domain wants', (t) => {
  t.is(
    t.throws(() => create().intercept(() => {})(bug)),
    bug,
  );
});

/** Like what a sandbox or a mock hands out: whatever is asked of it throws. */
const refusing = () =>
  new Proxy(new Error('refusing'), {
    defineProperty: () => {
      throw bug;
    },
    getOwnPropertyDescriptor: () => {
      throw bug;
    },
    getPrototypeOf: () => {
      throw bug;
    },
  });

test('an error that refuses to be looked at or written to is heard like any other', (t) => {
  const d = create();
  const heard: unknown[] = [];
  d.on('error', (error) => heard.push(error));
  const error = refusing();
  d.run(() => new EventEmitter()).emit('error', error);
  t.true(heard[0] === error);
  t.true(d.intercept((..._args: unknown[]) => 'no error, as far as can be told')(error) !== undefined);
});

test('a frozen error and errors that are no objects can be routed', (t) => {
  const d = create();
  const heard: unknown[] = [];
  d.on('error', (error) => heard.push(error));
  const emitter = d.run(() => new EventEmitter());
  const errors = [Object.freeze(new Error('frozen')), 'text', 42, Symbol.iterator, () => {}];
  for (const error of errors) emitter.emit('error', error);
  t.deepEqual(heard, errors);
});

test('both names of create make a Domain, with or without new', (t) => {
  t.true(create() instanceof Domain);
  t.true(createDomain() instanceof EventEmitter);
  t.true(domain.createDomain() instanceof domain.Domain);
});

test('trackPromises puts a domain on promises while it lasts', (t) => {
  const d = create();
  const make = () => d.run(() => Promise.resolve());
  t.is(domainOf(make()), undefined);
  const tracking = Domain.trackPromises();
  const promise = make();
  t.is(domainOf(promise), d);
  t.deepEqual(Object.keys(promise), []);
  t.is(domainOf(Promise.resolve()), undefined);
  tracking.stop();
  tracking.stop();
  t.is(domainOf(make()), undefined);
});

test('util.inspect, keys and comparisons of an emitter do not show its domain', (t) => {
  const inside = create().run(() => new EventEmitter());
  t.deepEqual(Reflect.ownKeys(inside), Reflect.ownKeys(new EventEmitter()));
});
