import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns';
import { EventEmitter } from 'node:events';
import { readFile, stat } from 'node:fs';
import { stat as statPromise } from 'node:fs/promises';
import { createServer, get } from 'node:http';
import { connect, createServer as createNetServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzip } from 'node:zlib';
import test from 'ava';
import { create, createTask, Domain, Task } from 'cordon/domain';

interface Ending {
  error: unknown;
  result: unknown;
  domain: Domain | undefined;
}

/** How a task ended, and in which domain that was heard. */
function ending<R>(task: Task<R>): Promise<Ending> {
  return new Promise((resolve) => {
    task.setCallback((error, result) => resolve({ error, result, domain: Domain.current() }));
  });
}

const bug = new Error('bug');
const fail = () => {
  throw bug;
};
const whole = { error: null, result: undefined, domain: undefined };

test('a task that does nothing ends at once, but not before its callback can be set', async (t) => {
  let heard = 0;
  const task = createTask(() => {}).setCallback(() => heard++);
  t.is(heard, 0);
  await new Promise((resolve) => process.nextTick(resolve));
  await sleep(1);
  t.is(heard, 1);
  t.true(task.ended);
});

test('the callback is called once, in the domain that the task was made in', async (t) => {
  const parent = create();
  const task = parent.run(() => createTask(() => setTimeout(() => {}, 1)));
  t.is((await ending(task)).domain, parent);
});

async function sleepily(called: () => void): Promise<void> {
  await sleep(1);
  await Promise.resolve();
  await sleep(1);
  called();
}

/** Each calls back once, later. */
const ways: Record<string, (called: () => void) => void> = {
  'a timer': (called) => setTimeout(called, 5),
  'an interval, until it is cleared': (called) => {
    let left = 3;
    const interval = setInterval(() => {
      if (--left > 0) return;
      clearInterval(interval);
      called();
    }, 1);
  },
  'an immediate': (called) => setImmediate(called),
  'a tick': (called) => process.nextTick(called),
  'a microtask': (called) => queueMicrotask(called),
  'a file request': (called) => stat('/', called),
  'several file requests in a row': (called) => readFile('/proc/self/stat', called),
  'a file promise': (called) => void statPromise('/').then(called),
  'a lookup': (called) => lookup('localhost', called),
  'a crypto request': (called) => randomBytes(8, called),
  'a compression': (called) => gzip('text', called),
  'a sleep': (called) => void sleep(3).then(called),
  'an async function': (called) => void sleepily(called),
  'a promise that is settled elsewhere': (called) => void gate.then(called),
  'a timer in a domain within': (called) => create().run(() => setTimeout(called, 2)),
  'a task within': (called) => void createTask(() => setTimeout(called, 2)).setCallback(() => {}),
};
let open: () => void;
const gate = new Promise<void>((resolve) => {
  open = resolve;
});
setTimeout(() => open(), 30);

for (const [name, way] of Object.entries(ways))
  test(`a task waits for ${name}`, async (t) => {
    let called = false;
    const task = createTask(() =>
      way(() => {
        called = true;
      }),
    );
    t.deepEqual(await ending(task), whole);
    t.true(called);
  });

test('a task waits for what a callback of its begins', async (t) => {
  const seen: string[] = [];
  await createTask(() =>
    setTimeout(() => {
      seen.push('first');
      stat('/', () => {
        seen.push('second');
        setImmediate(() => seen.push('third'));
      });
    }, 1),
  );
  t.deepEqual(seen, ['first', 'second', 'third']);
});

test('what was unreferenced does not keep a task open, whenever that was done', async (t) => {
  let late: NodeJS.Timeout | undefined;
  const task = createTask(() => {
    setTimeout(() => {}, 60_000).unref();
    const interval = setInterval(() => {}, 60_000);
    late = setInterval(() => {}, 60_000);
    setTimeout(() => interval.unref(), 1);
    setTimeout(() => late?.unref(), 2);
  });
  t.deepEqual(await ending(task), whole);
});

test('a timer that is unreferenced from outside does not keep a task open either', async (t) => {
  let timer: NodeJS.Timeout | undefined;
  const task = createTask(() => {
    timer = setInterval(() => {}, 60_000);
  });
  const end = ending(task);
  await sleep(2);
  t.false(task.ended);
  timer?.unref();
  t.deepEqual(await end, whole);
  clearInterval(timer);
});

test('a task waits for its servers and sockets until they are closed', async (t) => {
  let closed = false;
  const task = createTask(() => {
    const server = createNetServer((socket) => socket.end('bye'));
    server.listen(0, () => {
      const socket = connect((server.address() as { port: number }).port);
      socket.resume().on('close', () =>
        server.close(() => {
          closed = true;
        }),
      );
    });
  });
  t.deepEqual(await ending(task), whole);
  t.true(closed);
});

test('a task waits for the response to a request of its own, though others hold the server', async (t) => {
  const server = createServer((_request, response) => setTimeout(() => response.end('answer'), 5));
  await new Promise<void>((resolve) => server.listen(0, resolve));
  let answer = '';
  const task = createTask(() => {
    get({ port: (server.address() as { port: number }).port, agent: false }, (response) => {
      response.setEncoding('utf8').on('data', (text: string) => {
        answer += text;
      });
    });
  });
  t.deepEqual(await ending(task), whole);
  t.is(answer, 'answer');
  server.close();
});

test('done ends a task early, with a result, once', async (t) => {
  const task = createTask<string>((done) => {
    const timer = setTimeout(() => {}, 60_000);
    setTimeout(() => {
      done('early');
      done('again');
      clearTimeout(timer);
    }, 1);
  });
  const { error, result } = await ending(task);
  t.is(error, null);
  t.is(result, 'early');
});

test('a task can be awaited, before and after its end', async (t) => {
  const task = createTask<number>((done) => setTimeout(() => done(42), 1));
  t.is(await task, 42);
  t.is(await task, 42);
  t.is((await ending(task)).result, 42);
});

test('an awaited task rejects with its error', async (t) => {
  await t.throwsAsync(async () => await createTask(() => setTimeout(fail, 1)), { is: bug });
});

test('a throw in the function of the task itself is its error, not the caller’s', async (t) => {
  t.is((await ending(createTask(fail))).error, bug);
});

test('a rejection that nobody handles is the error of its task', async (t) => {
  t.is((await ending(createTask(async () => fail()))).error, bug);
});

test('an unheard error event is the error of its task', async (t) => {
  const task = createTask(() => {
    const emitter = new EventEmitter();
    setTimeout(() => emitter.emit('error', bug), 1);
  });
  t.is((await ending(task)).error, bug);
});

test('an error listener of the task deals with errors, and the task goes on', async (t) => {
  const heard: unknown[] = [];
  let last = false;
  const task = createTask(() => {
    Domain.current()?.on('error', (error) => heard.push(error));
    setTimeout(fail, 1);
    setTimeout(() => {
      last = true;
    }, 5);
  });
  t.is((await ending(task)).error, null);
  t.deepEqual(heard, [bug]);
  t.true(last);
});

test('an error clears the timers and closes the handles of its task', async (t) => {
  let server: Server | undefined;
  const task = createTask(() => {
    server = createNetServer().listen(0);
    setInterval(() => {}, 60_000);
    setTimeout(() => t.fail(), 60_000);
    setTimeout(fail, 5);
  });
  t.is((await ending(task)).error, bug);
  t.false(server?.listening);
});

test('an error waits for the requests already under way, and keeps what they throw', async (t) => {
  const later = new Error('later');
  let called = false;
  const task = createTask(() => {
    stat('/', () => {
      called = true;
      throw later;
    });
    fail();
  });
  const { error } = await ending(task);
  t.is(error, bug);
  t.true(called);
  t.deepEqual((error as AggregateError).errors, [later]);
});

test('an error ends the tasks within in the same way', async (t) => {
  const child: { ending?: Promise<Ending> } = {};
  const task = createTask(() => {
    child.ending = ending(createTask(() => setInterval(() => {}, 60_000)));
    setTimeout(fail, 1);
  });
  t.is((await ending(task)).error, bug);
  t.is((await child.ending)?.error, bug);
});

test('an error of a task within goes to its callback, not to the parent', async (t) => {
  let heard: unknown;
  const task = createTask(() => {
    createTask(fail).setCallback((error) => {
      heard = error;
    });
  });
  t.is((await ending(task)).error, null);
  t.is(heard, bug);
});

test('an error that no callback hears goes to the domain that the task was made in', async (t) => {
  const parent = create();
  const heard = new Promise((resolve) => parent.on('error', resolve));
  parent.run(() => createTask(fail));
  t.is(await heard, bug);
});

test('a callback that throws does so in the parent', async (t) => {
  const parent = create();
  const heard = new Promise((resolve) => parent.on('error', resolve));
  parent.run(() => createTask(() => {}).setCallback(fail));
  t.is(await heard, bug);
});

test('a listener on the emitter of another keeps a task open until the last one is removed', async (t) => {
  const emitter = new EventEmitter();
  const seen: (Domain | undefined)[] = [];
  const see = () => seen.push(Domain.current());
  const task = createTask(() => {
    emitter.on('event', see);
    emitter.once('event', see);
  });
  const end = ending(task);
  await sleep(2);
  t.false(task.ended);
  emitter.emit('event');
  await sleep(2);
  t.false(task.ended);
  t.deepEqual(emitter.listeners('event'), [see]);
  emitter.off('event', see);
  await end;
  t.deepEqual(seen, [task, task]);
  t.is(emitter.listenerCount('event'), 0);
});

test('removeAllListeners, too, lets go of a task', async (t) => {
  const emitter = new EventEmitter();
  const end = ending(createTask(() => emitter.on('event', () => {})));
  setTimeout(() => emitter.removeAllListeners(), 1);
  t.deepEqual(await end, whole);
});

test('an emitter of the task’s own does not keep it open', async (t) => {
  t.deepEqual(await ending(createTask(() => new EventEmitter().on('event', () => {}))), whole);
});

test('an emitter that is destroyed lets go of the tasks that listen', async (t) => {
  const socketLike = Object.assign(new EventEmitter(), { destroyed: false });
  const task = createTask(() => socketLike.on('data', () => {}));
  const end = ending(task);
  await sleep(1);
  t.false(task.ended);
  socketLike.destroyed = true;
  socketLike.emit('close');
  t.deepEqual(await end, whole);
});

test('an emitter whose own task has ended lets go of the tasks that listen', async (t) => {
  let emitter = new EventEmitter();
  const maker = createTask(() => {
    emitter = new EventEmitter();
    setTimeout(() => {}, 10);
  });
  const listener = createTask(() => emitter.on('event', () => {}));
  const order: string[] = [];
  await Promise.all([
    ending(maker).then(() => order.push('maker')),
    ending(listener).then(() => order.push('listener')),
  ]);
  t.deepEqual(order, ['maker', 'listener']);
});

test('an emitter that is added to a task no longer keeps it open', async (t) => {
  const emitter = new EventEmitter();
  const task = createTask(() => emitter.on('event', () => {}));
  const end = ending(task);
  await sleep(1);
  task.add(emitter);
  t.deepEqual(await end, whole);
});

test('when a task fails, those that listen to its emitters hear it through their own error listener, or fail too', async (t) => {
  let emitter = new EventEmitter();
  const maker = createTask(() => {
    emitter = new EventEmitter();
    setTimeout(fail, 5);
  });
  const heard: unknown[] = [];
  const hearing = createTask(() => {
    emitter.on('event', () => {});
    emitter.on('error', (error) => heard.push([error, Domain.current() === hearing]));
  });
  const deaf = createTask(() => emitter.on('event', () => {}));
  const endings = await Promise.all([ending(maker), ending(hearing), ending(deaf)]);
  t.deepEqual(
    endings.map(({ error }) => error),
    [bug, null, bug],
  );
  t.deepEqual(heard, [[bug, true]]);
});

test('a task is awaited beside its callback, in any order, and each hears once', async (t) => {
  let early = 0;
  const called = createTask((done) => done(1)).setCallback(() => early++);
  await sleep(10);
  t.is(await called, 1);
  await sleep(1);
  t.is(early, 1);
  let late = 0;
  const awaited = createTask((done) => done(2));
  const result = awaited.then((value) => value);
  awaited.setCallback(() => late++);
  t.is(await result, 2);
  t.is(late, 1);
});

test('what is thrown after done, in the same call, fails the parent', async (t) => {
  const parent = create();
  const heard = new Promise((resolve) => parent.on('error', resolve));
  const task = parent.run(() =>
    createTask((done) => {
      done(1);
      fail();
    }),
  );
  t.is(await task, 1);
  t.is(await heard, bug);
});

test('a task in which null is thrown has failed', async (t) => {
  const task = createTask(() => {
    throw null;
  });
  await t.throwsAsync(async () => task.then(undefined, () => Promise.reject(bug)), { is: bug });
});

test('a task that throws what refuses to be written to still tells of both errors', async (t) => {
  const refusing = new Proxy(bug, {
    defineProperty: () => {
      throw new Error('refused');
    },
  });
  const task = createTask(() => {
    stat('/', fail);
    throw refusing;
  });
  t.true((await ending(task)).error === refusing);
});

test('dispose ends a task with the reason of its signal', async (t) => {
  const task = createTask(() => setInterval(() => {}, 60_000));
  const end = ending(task);
  task.dispose();
  t.is((await end).error, task.signal.reason);
});
