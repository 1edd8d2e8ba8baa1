import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { create, Domain, Session, SessionClosed, SessionTimeout } from 'cordon/domain';

const bug = new Error('bug');
const fail = () => {
  throw bug;
};

test('ten operations, of which every other one throws: five results, five errors, heard in the parent', async (t) => {
  const parent = create();
  const session = await parent.run(
    () =>
      new Promise<Session<string>>((resolve) => {
        const opened = new Session<string>();
        for (let i = 0; i < 10; i++)
          opened.addOperation((done) =>
            process.nextTick(() => {
              if (i % 2 === 1) throw new Error(`operation ${i}`);
              done(`result ${i}`);
            }),
          );
        opened.closeSession((closed) => {
          t.is(closed, opened);
          t.is(Domain.current(), parent);
          t.is((process as NodeJS.Process & { domain?: unknown }).domain, parent);
          resolve(closed);
        });
      }),
  );
  t.true(session.isClosed);
  t.is(session.errors.length, 5);
  t.is(session.results.length, 5);
  t.deepEqual([session.started, session.completed], [10, 10]);
});

test('results come in the order of completion, outcomes in the order of adding', async (t) => {
  const session = new Session<string>();
  let end: (() => void) | undefined;
  session.add((done) => {
    end = () => done('slow');
  }, 'first');
  session.add(async () => {
    await sleep(1);
    setImmediate(() => end?.());
    return 'quick';
  }, 'second');
  session.add(fail, 'third');
  const { results, errors, outcomes } = await session.close();
  t.deepEqual(results, ['quick', 'slow']);
  t.deepEqual(errors, [bug]);
  t.deepEqual(outcomes, [
    { name: 'first', status: 'done', result: 'slow' },
    { name: 'second', status: 'done', result: 'quick' },
    { name: 'third', status: 'failed', error: bug },
  ]);
});

const failures: Record<string, () => unknown> = {
  'throws at once': fail,
  'throws later': () => setTimeout(fail, 1),
  rejects: async () => fail(),
  'rejects later': async () => {
    await sleep(1);
    fail();
  },
  'emits an error that nobody hears': () => {
    const emitter = new EventEmitter();
    setTimeout(() => emitter.emit('error', bug), 1);
  },
  'leaves a rejection behind': () => {
    void sleep(1).then(fail);
  },
};

for (const [name, operation] of Object.entries(failures))
  test(`an operation that ${name} is completed with its error`, async (t) => {
    const session = new Session();
    session.add(operation);
    const { errors, results, started, completed } = await session.close();
    t.deepEqual({ errors, results, started, completed }, { errors: [bug], results: [], started: 1, completed: 1 });
  });

test('an operation that calls back twice counts once, and the second call is reported', async (t) => {
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
  const session = new Session<number>();
  session.add((done) => {
    done(1);
    done(2);
  }, 'twice');
  const { results, completed } = await session.close();
  t.deepEqual([results, completed], [[1], 1]);
  t.regex((await warned).message, /twice/);
});

test('an operation that fails after its result counts once; the error is collected while the session lasts', async (t) => {
  const session = new Session<number>();
  session.add((done) => {
    done(1);
    setTimeout(fail, 1);
  });
  session.add(() => sleep(10));
  const { results, errors, completed } = await session.close();
  t.deepEqual([results, errors, completed], [[1], [bug], 2]);
});

test('an operation that fails after the session has ended fails its parent', async (t) => {
  const parent = create();
  const heard = new Promise((resolve) => parent.on('error', resolve));
  await parent.run(() => {
    const session = new Session();
    session.add((done) => {
      done();
      setTimeout(fail, 10);
    });
    return session.close();
  });
  t.is(await heard, bug);
});

test('an async operation ends with its promise, whatever arguments it declares, unless it has called done', async (t) => {
  const session = new Session<string>();
  session.add(async (_done, signal) => void t.false(signal.aborted), 'nothing');
  session.add(async () => 'returned', 'returned');
  session.add(async (done) => {
    await sleep(1);
    done('called');
    await sleep(1);
    return 'ignored';
  }, 'called');
  const { results, outcomes, completed } = await session.close();
  t.deepEqual(results, ['returned', 'called']);
  t.deepEqual(
    outcomes.map(({ status }) => status),
    ['done', 'done', 'done'],
  );
  t.is(completed, 3);
});

const breaks: Record<string, (close: () => void, done: () => void) => unknown> = {
  'throws in the call that closed it': (close, done) => {
    close();
    done();
    fail();
  },
  'throws in a later turn': (_close, done) =>
    setImmediate(() => {
      done();
      fail();
    }),
  rejects: async (_close, done) => {
    await new Promise((resolve) => setImmediate(resolve));
    done();
    fail();
  },
};

for (const [name, operation] of Object.entries(breaks))
  test(`the last operation of a session, which ${name} behind its done, counts once; its error is collected`, async (t) => {
    const session = new Session();
    const ended = new Promise((resolve) => {
      session.add((done) => operation(() => session.close(resolve), done));
      if (!session.isClosed) session.close(resolve);
    });
    await ended;
    const { errors, started, completed } = session;
    t.deepEqual({ errors, started, completed }, { errors: [bug], started: 1, completed: 1 });
  });

test('an operation that rejects behind its done, and after the session, fails its parent', async (t) => {
  const parent = create();
  const heard = new Promise((resolve) => parent.on('error', resolve));
  await parent.run(() => {
    const session = new Session();
    session.add(async (done) => {
      done();
      await sleep(10);
      fail();
    });
    return session.close();
  });
  t.is(await heard, bug);
});

test('each operation runs in a domain of its own, within that of the session, and may add others', async (t) => {
  const session = new Session();
  const domains: unknown[] = [];
  session.add((done) => {
    domains.push(Domain.current()?.enclosing);
    session.add((innerDone) => innerDone());
    done();
  });
  t.is((await session.close()).completed, 2);
  t.deepEqual(domains, [session.domain]);
});

test('a limit that runs out while nothing is open leaves nothing to be added without one', async (t) => {
  const session = new Session({ limit: 1 });
  await sleep(10);
  t.throws(() => session.add(() => {}), { instanceOf: SessionClosed });
  t.deepEqual((await session.close()).errors, []);
});

test('a limit that is no time, and an operation that is no function, are refused', (t) => {
  for (const limit of [-1, Number.NaN, '50' as never])
    t.throws(() => new Session({ limit }), { instanceOf: TypeError, message: /a number of milliseconds, and not / });
  const session = new Session();
  t.throws(() => session.add('operation' as never), { instanceOf: TypeError, message: /a function to run/ });
  t.is(session.started, 0);
});

test('an endless limit is none', async (t) => {
  const session = new Session({ limit: Number.POSITIVE_INFINITY });
  session.add(async () => sleep(10, 'done'));
  t.deepEqual((await session.close()).results, ['done']);
});

test('after closing nothing can be added, and the error says so', async (t) => {
  const session = new Session();
  const closed = session.close();
  const error = t.throws(() => session.add(() => {}, 'late'), { instanceOf: SessionClosed });
  t.regex(error.message, /late.*closed/);
  t.throws(() => session.close(() => {}), { instanceOf: SessionClosed });
  t.is((await closed).started, 0);
});

test('the callback is called once, and never before close has returned', async (t) => {
  const session = new Session();
  let calls = 0;
  session.add((done) => done());
  session.close(() => calls++);
  t.is(calls, 0);
  await sleep(5);
  t.is(calls, 1);
});

test('what the callback throws is the parent’s', async (t) => {
  const parent = create();
  const heard = new Promise((resolve) => parent.on('error', resolve));
  parent.run(() => new Session().close(fail));
  t.is(await heard, bug);
});

test('sessions nest: the inner one calls back in the operation that opened it', async (t) => {
  const outer = new Session<string>();
  outer.add((done) => {
    const operation = Domain.current();
    const inner = new Session<string>();
    inner.add(fail);
    inner.add((innerDone) => innerDone('inner'));
    inner.close(({ results, errors }) => {
      t.is(Domain.current(), operation);
      t.deepEqual(errors, [bug]);
      done(results.join());
    });
  });
  const { results, errors } = await outer.close();
  t.deepEqual([results, errors], [['inner'], []]);
});

test('a time limit ends the rest, with an error that names the operations still open', async (t) => {
  const session = new Session<string>({ limit: 10 });
  let aborted = false;
  session.add((done) => done('quick'), 'quick');
  session.add((_done, signal) => signal.addEventListener('abort', () => (aborted = true)), 'stuck');
  session.add(() => new Promise(() => {}));
  const { results, errors, outcomes, completed } = await session.close();
  t.deepEqual(results, ['quick']);
  t.is(errors.length, 1);
  const [error] = errors as SessionTimeout[];
  t.true(error instanceof SessionTimeout);
  t.deepEqual(error?.operations, ['stuck', 'operation 3']);
  t.deepEqual(
    outcomes.slice(1).map((outcome) => outcome.status === 'failed' && outcome.error === error),
    [true, true],
  );
  t.is(completed, 3);
  t.true(aborted);
});

test('a session within its limit keeps no timer', async (t) => {
  const session = new Session({ limit: 60_000 });
  session.add((done) => done());
  await session.close();
  t.pass();
});

test('dispose aborts what is left, and what fails thereafter is ignored', async (t) => {
  const session = new Session();
  session.add(() => setTimeout(fail, 5));
  session.dispose();
  const { errors, outcomes } = await session.close();
  t.is((errors[0] as Error).name, 'AbortError');
  t.is(outcomes[0]?.status, 'failed');
  t.true(session.signal.aborted);
  await sleep(10);
  t.is(errors.length, 1);
});

test('a signal from outside ends what is left with its reason', async (t) => {
  const controller = new AbortController();
  const session = new Session({ signal: controller.signal });
  session.add(() => {});
  const closed = session.close();
  controller.abort(bug);
  t.deepEqual((await closed).errors, [bug]);
});
