// How a task notices what can enter it: hooks on every asynchronous resource and every promise of the process. They cost,
// so they are put in place with the first task and taken away with the last.
import { createHook } from 'node:async_hooks';
import { current } from './current.js';
import { kindOf, Reference } from './reference.js';
import { relate, unrelate } from './relations.js';
import { ownTaskOf, type Task } from './task.js';

const references = new Map<number, Reference>();

const resources = createHook({
  init(id, type, _trigger, resource) {
    if (type === 'PROMISE') return;
    const task = ownTaskOf(current.getStore());
    if (task === undefined) return;
    const kind = kindOf(type, resource);
    if (kind === undefined) return;
    const reference = new Reference(task, kind, resource, () => references.delete(id));
    references.set(id, reference);
    task.hold(reference);
    if (reference.canBeUnreferenced) noticeUnref(resource, reference);
  },
  after(id) {
    const reference = references.get(id);
    if (reference === undefined) return;
    if (reference.kind === 'once') reference.drop();
    else reference.task.touch();
  },
  destroy(id) {
    references.get(id)?.drop();
  },
});

type Unref = (this: object) => unknown;

const byResource = new WeakMap<object, Reference>();
const unrefs = new Map<object, { before: Unref; after: Unref }>();

/** What is unreferenced may have been the last thing to wait for. */
function noticeUnref(resource: object, reference: Reference): void {
  byResource.set(resource, reference);
  let owner: object | null = resource;
  while (owner !== null && !Object.hasOwn(owner, 'unref')) owner = Object.getPrototypeOf(owner) as object | null;
  if (owner === null || owner === resource || unrefs.has(owner)) return;
  const before = Reflect.get(owner, 'unref') as Unref;
  const after: Unref = function (this: object) {
    const result = before.call(this);
    byResource.get(this)?.task.touch();
    return result;
  };
  unrefs.set(owner, { before, after });
  Reflect.set(owner, 'unref', after);
}

function forgetUnrefs(): void {
  for (const [owner, { before, after }] of unrefs)
    if (Reflect.get(owner, 'unref') === after) Reflect.set(owner, 'unref', before);
  unrefs.clear();
}

interface Continuation {
  task: Task | undefined;
}

const continuations = new WeakMap<object, Continuation>();
/** A promise that nobody can settle any more is collected, with what waits on it. */
const collected = new FinalizationRegistry<Continuation>(settle);

function settle(continuation: Continuation): void {
  const { task } = continuation;
  continuation.task = undefined;
  task?.expect(-1);
}

// Only a promise that was derived from another, by `then` or `await`, has something to run.
function derived(promise: Promise<unknown>, parent: Promise<unknown> | undefined): void {
  if (parent === undefined) return;
  const task = ownTaskOf(current.getStore());
  if (task === undefined) return;
  const continuation = { task };
  continuations.set(promise, continuation);
  collected.register(promise, continuation, continuation);
  task.expect(1);
}

function continued(promise: Promise<unknown>): void {
  const continuation = continuations.get(promise);
  if (continuation === undefined) return;
  continuations.delete(promise);
  collected.unregister(continuation);
  settle(continuation);
}

let tasks = 0;
let stopPromises: (() => void) | undefined;

export function watch(): void {
  if (tasks++ > 0) return;
  resources.enable();
  stopPromises = process.getBuiltinModule('node:v8').promiseHooks.createHook({
    init: derived,
    after: continued,
    settled: continued,
  }) as unknown as () => void;
  relate();
}

export function unwatch(): void {
  if (--tasks > 0) return;
  resources.disable();
  stopPromises?.();
  unrelate();
  forgetUnrefs();
  references.clear();
}
