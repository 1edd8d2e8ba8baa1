// Every way in which a request can fail without anybody catching it, as one function: `fail(kind, request, response)`.
// The examples offer each as a route to try; the tests and the benchmark ask for each and hold cordon to what the table
// promises. Nothing in here knows cordon: run it bare, and one of these requests ends the whole process.
import { AsyncResource } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns';
import { EventEmitter } from 'node:events';
import { stat } from 'node:fs';
import { connect } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { deflate } from 'node:zlib';

class Bug extends Error {
  name = 'Bug';
}

/** A callback with a bug in it. */
const bug = (kind) => () => {
  throw new Bug(kind);
};

/** Work that was set up when the program started, such as a pool's: what it calls belongs to no request. */
const startup = new AsyncResource('startup');
const elsewhere = (fn) => startup.runInAsyncScope(() => setTimeout(() => fn(), 1));

/** Says which process answers, and to whom, so that a crossed answer is noticed. */
const headers = (request, more) => ({
  'content-type': 'text/plain',
  'x-pid': String(process.pid),
  ...(request.headers['x-echo'] === undefined ? {} : { 'x-echo': request.headers['x-echo'] }),
  ...more,
});

/** The ordinary answer. */
export function ok(request, response, text = 'ok\n') {
  response.writeHead(200, headers(request, { 'content-length': Buffer.byteLength(text) }));
  response.end(text);
}

/** The ordinary answer, later: `/slow?ms=200`. */
export function slow(request, response) {
  const ms = Number(new URL(request.url, 'http://localhost').searchParams.get('ms') ?? 200);
  setTimeout(ok, Math.min(Math.max(ms, 0) || 0, 60_000), request, response);
}

/**
 * What fails, how, and what its client must see: `500`; `broken`, an answer that is cut so that nobody can take it for whole;
 * or `root`, an answer untouched, because no open request can be blamed (the worker is replaced all the same).
 * `request` says what has to be sent for it: a GET unless told otherwise, a POST with a body, a POST whose body stops halfway,
 * or a GET in HTTP/1.0. `framework` marks what most frameworks catch and answer by themselves.
 */
export const kinds = {
  'throw-sync': {
    says: 'throws in the handler itself',
    expected: '500',
    framework: true,
    fail: bug('throw-sync'),
  },
  timer: {
    says: 'throws in a timer',
    expected: '500',
    fail: () => void setTimeout(bug('timer'), 1),
  },
  interval: {
    says: 'throws in an interval',
    expected: '500',
    fail() {
      const interval = setInterval(() => {
        clearInterval(interval);
        bug('interval')();
      }, 1);
    },
  },
  immediate: {
    says: 'throws in an immediate',
    expected: '500',
    fail: () => void setImmediate(bug('immediate')),
  },
  'next-tick': {
    says: 'throws in process.nextTick',
    expected: '500',
    fail: () => process.nextTick(bug('next-tick')),
  },
  microtask: {
    says: 'throws in queueMicrotask',
    expected: '500',
    fail: () => queueMicrotask(bug('microtask')),
  },
  'fs-callback': {
    says: 'throws in a callback of fs',
    expected: '500',
    fail: () => stat('.', bug('fs-callback')),
  },
  'dns-callback': {
    says: 'throws in a callback of dns',
    expected: '500',
    fail: () => lookup('localhost', bug('dns-callback')),
  },
  'crypto-callback': {
    says: 'throws in a callback of crypto',
    expected: '500',
    fail: () => randomBytes(16, bug('crypto-callback')),
  },
  'zlib-callback': {
    says: 'throws in a callback of zlib',
    expected: '500',
    fail: () => deflate('some text', bug('zlib-callback')),
  },
  'stream-event': {
    says: 'throws in a listener of a stream made in the request',
    expected: '500',
    fail() {
      const stream = new PassThrough().on('data', bug('stream-event'));
      setImmediate(() => stream.end('some text'));
    },
  },
  'stream-error': {
    says: 'a stream made in the request fails and nobody listens',
    expected: '500',
    fail: () => void new PassThrough().destroy(new Bug('stream-error')),
  },
  'socket-event': {
    says: 'throws in a listener of a socket opened in the request',
    expected: '500',
    fail: () => void connect(1, '127.0.0.1').on('error', bug('socket-event')),
  },
  'socket-error': {
    says: 'a socket opened in the request is refused and nobody listens',
    expected: '500',
    fail: () => void connect(1, '127.0.0.1'),
  },
  'request-data': {
    says: "throws in a 'data' listener of the request",
    expected: '500',
    request: 'POST',
    fail: (request) => void request.once('data', bug('request-data')),
  },
  'request-end': {
    says: "throws in an 'end' listener of the request",
    expected: '500',
    request: 'POST',
    fail: (request) => void request.once('end', bug('request-end')).resume(),
  },
  'response-event': {
    says: 'throws in a listener of the response, called from elsewhere',
    expected: '500',
    fail(_request, response) {
      response.once('example', bug('response-event'));
      elsewhere(() => response.emit('example'));
    },
  },
  'response-pipe': {
    says: "throws in a 'pipe' listener of the response",
    expected: '500',
    fail(_request, response) {
      response.once('pipe', bug('response-pipe'));
      setImmediate(() => Readable.from(['some text']).pipe(response));
    },
  },
  'reject-early': {
    says: 'leaves a rejected promise to nobody',
    expected: '500',
    fail: () => void Promise.reject(new Bug('reject-early')),
  },
  'reject-late': {
    says: 'leaves a promise to nobody that is rejected later',
    expected: '500',
    fail: () => void new Promise((_, reject) => setTimeout(reject, 10, new Bug('reject-late'))),
  },
  'async-throw': {
    says: 'throws in an async function after an await',
    expected: '500',
    async fail() {
      await sleep(1);
      throw new Bug('async-throw');
    },
  },
  'emitter-error': {
    says: "emits an 'error' that nobody listens for",
    expected: '500',
    fail() {
      const emitter = new EventEmitter();
      setTimeout(() => emitter.emit('error', new Bug('emitter-error')), 1);
    },
  },
  'emitter-elsewhere': {
    says: "makes an emitter whose 'error' is emitted later, from elsewhere, and nobody listens",
    expected: '500',
    fail() {
      const emitter = new EventEmitter();
      elsewhere(() => emitter.emit('error', new Bug('emitter-elsewhere')));
    },
  },
  'throw-null': {
    says: 'throws null in a timer',
    expected: '500',
    fail: () =>
      void setTimeout(() => {
        throw null;
      }, 1),
  },
  'throw-null-sync': {
    says: 'throws null in the handler itself',
    expected: '500',
    framework: true,
    fail() {
      throw null;
    },
  },
  'throw-text': {
    says: 'throws a string in a timer',
    expected: '500',
    fail: () =>
      void setTimeout(() => {
        throw 'some text';
      }, 1),
  },
  'reject-nothing': {
    says: 'leaves a promise to nobody that was rejected with nothing',
    expected: '500',
    fail: () => void Promise.reject(),
  },
  'body-arriving': {
    says: 'throws while the body of the request is still arriving',
    expected: '500',
    request: 'half',
    fail: (request) => void request.once('data', () => setTimeout(bug('body-arriving'), 1)),
  },
  'two-errors': {
    says: 'throws twice',
    expected: '500',
    fail() {
      setTimeout(bug('two-errors, the first'), 1);
      setTimeout(bug('two-errors, the second'), 1);
      setTimeout(bug('two-errors, the third'), 5);
    },
  },
  'headers-sent': {
    says: 'throws when the head of the answer is out, and nothing else',
    expected: 'broken',
    fail(request, response) {
      response.writeHead(200, headers(request));
      response.flushHeaders();
      setTimeout(bug('headers-sent'), 5);
    },
  },
  'half-chunked': {
    says: 'throws amid a chunked answer',
    expected: 'broken',
    fail(request, response) {
      response.writeHead(200, headers(request));
      response.write('half of ');
      setTimeout(bug('half-chunked'), 5);
    },
  },
  'half-length': {
    says: 'throws amid an answer of known length',
    expected: 'broken',
    fail(request, response) {
      response.writeHead(200, headers(request, { 'content-length': 1000 }));
      response.write('half of ');
      setTimeout(bug('half-length'), 5);
    },
  },
  'half-http10': {
    says: 'throws amid an answer that only the end of the connection ends',
    expected: 'broken',
    request: 'HTTP/1.0',
    fail(request, response) {
      response.writeHead(200, headers(request));
      response.write('half of ');
      setTimeout(bug('half-http10'), 5);
    },
  },
  'end-then-throw': {
    says: 'ends the answer and throws at once',
    expected: 'root',
    fail(request, response) {
      ok(request, response);
      process.nextTick(bug('end-then-throw'));
    },
  },
  'long-answered': {
    says: 'throws when the answer is long out',
    expected: 'root',
    fail(request, response) {
      response.once('finish', () => setTimeout(bug('long-answered'), 5));
      ok(request, response);
    },
  },
  'shared-pool': {
    says: 'throws in a callback of a pool that all requests share',
    expected: 'root',
    fail(request, response) {
      ok(request, response);
      elsewhere(bug('shared-pool'));
    },
  },
};

/** Fails the way `kind` does. What it throws, it throws; it returns nothing, whatever goes on behind it. */
export function fail(kind, request, response) {
  if (!Object.hasOwn(kinds, kind)) {
    response.writeHead(404, headers(request));
    response.end(`no such failure: ${kind}\n`);
    return;
  }
  kinds[kind].fail(request, response);
}
