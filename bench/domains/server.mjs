// One HTTP server for one measurement: `node server.mjs <variant> <work>`. Says its port to its parent, and, when asked,
// what requests have cost in CPU time since it was asked before.
import { EventEmitter } from 'node:events';
import { createServer } from 'node:http';
import { count, takeWindows } from '../servers/windows.mjs';

const [variant, work] = process.argv.slice(2);

/** Ends the response when the work of one request is done. */
const works = {
  hello: (_request, response) => response.end('hello'),
  awaits: async (_request, response) => {
    for (let i = 0; i < 40; i++) await Promise.resolve();
    response.end('awaited');
  },
  objects: (_request, response) => {
    let left = 20;
    const fire = () => {
      if (--left === 0) response.end('made');
    };
    for (let i = 0; i < 20; i++) {
      const emitter = new EventEmitter();
      emitter.once('go', fire);
      setTimeout(() => emitter.emit('go'), 1);
    }
  },
};

const variants = {
  bare: () => (handle) => handle,
  node: async () => {
    const { default: domain } = await import('node:domain');
    return (handle) => (request, response) => {
      const own = domain.create();
      own.on('error', () => response.destroy());
      own.add(request);
      own.add(response);
      own.run(handle, request, response);
    };
  },
  ours: async () => {
    const { Domain } = await import('cordon/domain');
    return (handle) => (request, response) => {
      const own = new Domain();
      own.on('error', () => response.destroy());
      own.add(request);
      own.add(response);
      own.run(handle, request, response);
    };
  },
  // The ground that ours stands on: nothing but the storage.
  storage: async () => {
    const { AsyncLocalStorage } = await import('node:async_hooks');
    const storage = new AsyncLocalStorage();
    return (handle) => (request, response) => storage.run({}, handle, request, response);
  },
  // As a worker does it: a subclass that needs no listener, and members that are not registered.
  request: async () => {
    const { Domain } = await import('cordon/domain');
    const { adopt } = await import(new URL('../../dist/worker/domain/emitters.js', import.meta.url));
    const { current } = await import(new URL('../../dist/worker/domain/current.js', import.meta.url));
    class RequestDomain extends Domain {
      claim() {
        return 'handled';
      }
    }
    return (handle) => (request, response) => {
      const own = new RequestDomain();
      adopt(own, request);
      adopt(own, response);
      current.run(own, handle, request, response);
    };
  },
  task: async () => {
    const { createTask } = await import('cordon/domain');
    return (handle) => (request, response) => {
      createTask(() => handle(request, response)).setCallback(() => {});
    };
  },
};

const wrap = await variants[variant]();
const handle = wrap(works[work]);
const server = createServer((request, response) => {
  count();
  handle(request, response);
});
// On all of this machine's addresses: the load comes over several, so that no run wants for ports.
server.listen(0, '0.0.0.0', () => process.send({ port: server.address().port }));
process.on('message', () => process.send({ windows: takeWindows() }));
process.on('disconnect', () => process.exit());
