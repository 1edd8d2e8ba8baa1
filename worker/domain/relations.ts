// Listeners that tasks have on the emitters of others. Such a listener can be called, so the emitter keeps the task open,
// until the last one is removed, or the emitter is destroyed, or its own task has ended. A listener belongs to the task
// that added it, whoever the emitter belongs to: it runs in there.
import { EventEmitter } from 'node:events';
import { current } from './current.js';
import { Domain } from './domain.js';
import { shared } from './shared.js';
import { isTask, ownTaskOf, type Task, taskOf } from './task.js';

type Listener = (...args: unknown[]) => void;
type Method = 'on' | 'addListener' | 'prependListener' | 'removeListener' | 'off' | 'removeAllListeners' | 'emit';
type Methods = Record<Method, (this: EventEmitter, ...args: unknown[]) => unknown>;

interface Relation {
  readonly task: Task;
  readonly type: string | symbol;
  readonly listener: Listener;
}

const relations = new WeakMap<EventEmitter, Relation[]>();
/** Which emitters a task listens to, and which are its own; a collected emitter calls nobody. */
const listening = new WeakMap<Task, Set<WeakRef<EventEmitter>>>();
const own = new WeakMap<Task, Set<WeakRef<EventEmitter>>>();
const references = new WeakMap<EventEmitter, WeakRef<EventEmitter>>();
const collected = new FinalizationRegistry<{ task: WeakRef<Task>; reference: WeakRef<EventEmitter> }>(
  ({ task, reference }) => {
    const owner = task.deref();
    if (owner === undefined) return;
    listening.get(owner)?.delete(reference);
    own.get(owner)?.delete(reference);
    owner.touch();
  },
);

/** What was bound already: by the wrapper below ours, where somebody has kept that from an earlier time. */
const bounds = new WeakSet<object>();

/** What an emitter has been told last: those who hear it from there fail in turn, and are related to it. */
const told = new WeakMap<EventEmitter, unknown>();

/** What `once` puts in the place of a listener, and asks to be removed again, to what was bound instead. */
const boundOnce = new WeakMap<object, Listener>();

function note(where: WeakMap<Task, Set<WeakRef<EventEmitter>>>, task: Task, emitter: EventEmitter): void {
  let reference = references.get(emitter);
  if (reference === undefined) references.set(emitter, (reference = new WeakRef(emitter)));
  let noted = where.get(task);
  if (noted === undefined) where.set(task, (noted = new Set()));
  if (noted.has(reference)) return;
  noted.add(reference);
  collected.register(emitter, { task: new WeakRef(task), reference });
}

function* alive(noted: Set<WeakRef<EventEmitter>> | undefined): Generator<EventEmitter> {
  for (const reference of noted ?? []) {
    const emitter = reference.deref();
    if (emitter !== undefined) yield emitter;
  }
}

const parentTask = (emitter: EventEmitter): Task | undefined => taskOf(shared.keeperOf(emitter));

/** Its parent has ended, or it says so itself. */
function isOver(emitter: EventEmitter): boolean {
  if ((emitter as EventEmitter & { destroyed?: unknown }).destroyed === true) return true;
  for (let domain = shared.keeperOf(emitter); domain !== undefined; domain = domain.enclosing)
    if (domain.disposed || (isTask(domain) && domain.ended)) return true;
  return false;
}

/** Whether an emitter of somebody else's can still call a listener of this task's. */
export function listensTo(task: Task): boolean {
  for (const emitter of alive(listening.get(task)))
    if (!isOver(emitter) && parentTask(emitter) !== task && tasksOn(emitter).has(task)) return true;
  return false;
}

function tasksOn(emitter: EventEmitter): Set<Task> {
  return new Set(relations.get(emitter)?.map(({ task }) => task));
}

export function touchListeners(emitter: EventEmitter): void {
  for (const task of tasksOn(emitter)) task.touch();
}

/** The emitters that a task listens to or is the parent of. */
export function related(task: Task): EventEmitter[] {
  return [...new Set([...alive(listening.get(task)), ...alive(own.get(task))])];
}

/**
 * Tells an emitter that `failed`, which it is related to, has failed: each task on it hears that through its own `'error'`
 * listener, or else fails too.
 */
export function tellOf(emitter: EventEmitter, error: unknown, failed: Task): void {
  if (told.get(emitter) === error) return;
  told.set(emitter, error);
  const on = relations.get(emitter) ?? [];
  const parent = parentTask(emitter) ?? (shared.keeperOf(emitter) === failed ? failed : undefined);
  const tasks = tasksOn(emitter);
  if (parent !== undefined) tasks.add(parent);
  const foreign = new Set(on.map(({ listener }) => listener));
  for (const task of tasks) {
    const listeners =
      task === parent
        ? (emitter.rawListeners('error') as Listener[]).filter((listener) => !foreign.has(listener))
        : on.filter((each) => each.task === task && each.type === 'error').map(({ listener }) => listener);
    if (listeners.length === 0) task.fail(error);
    for (const listener of listeners)
      try {
        task.run(() => listener.call(emitter, error));
      } catch (cause) {
        task.fail(cause);
      }
  }
}

function added(method: Methods[Method]): Methods[Method] {
  return function (this: EventEmitter, ...args) {
    const [type, listener] = args as [string | symbol, Listener];
    const task = ownTaskOf(current.getStore());
    // A domain's own events are no way to be entered: they are called by itself.
    if (
      task === undefined ||
      typeof listener !== 'function' ||
      bounds.has(listener) ||
      this instanceof Domain ||
      parentTask(this) === task
    )
      return method.call(this, type, listener);
    const { listener: original = listener } = listener as Listener & { listener?: Listener };
    const bound = Object.assign(task.bind(listener), { listener: original }) as Listener;
    bounds.add(bound);
    if (original !== listener) boundOnce.set(listener, bound);
    const result = method.call(this, type, bound);
    const on = relations.get(this) ?? [];
    on.push({ task, type, listener: bound });
    relations.set(this, on);
    note(listening, task, this);
    return result;
  };
}

function removed(method: Methods[Method]): Methods[Method] {
  return function (this: EventEmitter, ...args) {
    const [type, listener] = args;
    const bound = typeof listener === 'function' ? boundOnce.get(listener) : undefined;
    const result = bound === undefined ? method.apply(this, args) : method.call(this, type, bound);
    prune(this);
    return result;
  };
}

function prune(emitter: EventEmitter): void {
  const before = relations.get(emitter);
  if (before === undefined) return;
  const after = before.filter(({ type, listener }) => emitter.rawListeners(type).includes(listener));
  if (after.length === before.length) return;
  if (after.length === 0) relations.delete(emitter);
  else relations.set(emitter, after);
  for (const { task } of before) task.touch();
}

/** The last word of most emitters. */
function closing(method: Methods[Method]): Methods[Method] {
  return function (this: EventEmitter, ...args) {
    const result = method.apply(this, args);
    if (args[0] === 'close') {
      touchListeners(this);
      parentTask(this)?.touch();
    }
    return result;
  };
}

const wrappers: Record<Method, (method: Methods[Method]) => Methods[Method]> = {
  on: added,
  addListener: added,
  prependListener: added,
  removeListener: removed,
  off: removed,
  removeAllListeners: removed,
  emit: closing,
};

const methods = EventEmitter.prototype as unknown as Methods;
const replaced = new Map<Method, { before: Methods[Method]; after: Methods[Method] }>();

function noteMember(member: object, domain: Domain): void {
  if (!(member instanceof EventEmitter) && !('on' in member)) return;
  const emitter = member as EventEmitter;
  const task = ownTaskOf(domain);
  if (task !== undefined) note(own, task, emitter);
  touchListeners(emitter);
}

export function relate(): void {
  shared.joined.add(noteMember);
  for (const [name, wrap] of Object.entries(wrappers) as [Method, (method: Methods[Method]) => Methods[Method]][]) {
    const before = methods[name];
    const after = wrap(before);
    replaced.set(name, { before, after });
    methods[name] = after;
  }
}

export function unrelate(): void {
  shared.joined.delete(noteMember);
  // Somebody who has replaced it since then has ours underneath; that does no harm.
  for (const [name, { before, after }] of replaced) if (methods[name] === after) methods[name] = before;
  replaced.clear();
}
