// What can be added to a domain, and what becomes of it when the domain is disposed.
import { EventEmitter } from 'node:events';
import type { Domain } from './domain.js';
import { shared } from './shared.js';

const { types } = process.getBuiltinModule('node:util');

export type Timer = ReturnType<typeof setTimeout> | ReturnType<typeof setImmediate>;
export type Membership = EventEmitter | Timer;

/** Where Node keeps the callback of a timer. */
type TimerCallback = '_onTimeout' | '_onImmediate';
type OpenTimer = { [name in TimerCallback]?: ((...args: unknown[]) => void) | null };

/** A domain has few members as a rule, and for few a list is cheaper than a set; for many it is not. */
const FEW = 16;
export type Members = Membership[] | Set<Membership>;

export const includes = (members: Members, member: Membership): boolean =>
  Array.isArray(members) ? members.includes(member) : members.has(member);

/** `members` with one more; it may be another collection than before. */
export function including(members: Members, member: Membership): Members {
  if (!Array.isArray(members)) return members.add(member);
  // Pushed onto, a list of one would ask for room for seventeen.
  if (members.length === 1) return [members[0] as Membership, member];
  members.push(member);
  return members.length > FEW ? new Set(members) : members;
}

export function exclude(members: Members, member: Membership): void {
  if (!Array.isArray(members)) members.delete(member);
  else if (members.includes(member)) members.splice(members.indexOf(member), 1);
}

const unbound = new WeakMap<object, { field: TimerCallback; callback: (...args: unknown[]) => void }>();

export function join(member: Membership, domain: Domain): void {
  shared.keeperOf(member)?.remove(member);
  shared.keep(member, domain);
  if (shared.joined.size > 0) for (const tell of shared.joined) tell(member, domain);
  const field = callbackField(member);
  if (field === undefined) return;
  const timer = member as unknown as OpenTimer;
  const callback = timer[field];
  // Cleared, or an immediate that has run: there is nothing left that could fail.
  if (typeof callback === 'function') {
    unbound.set(member, { field, callback });
    timer[field] = domain.bind(callback);
  }
  Object.defineProperty(member, 'domain', { value: domain, configurable: true, enumerable: false, writable: true });
}

export function leave(member: Membership, domain: Domain): void {
  if (shared.keeperOf(member) !== domain) return;
  shared.keep(member, undefined);
  const bound = unbound.get(member);
  if (bound === undefined) return;
  unbound.delete(member);
  const timer = member as unknown as OpenTimer;
  if (timer[bound.field] !== null) timer[bound.field] = bound.callback;
  Reflect.deleteProperty(member, 'domain');
}

function callbackField(member: object): TimerCallback | undefined {
  if (member instanceof EventEmitter) return undefined;
  if ('_onTimeout' in member) return '_onTimeout';
  return '_onImmediate' in member ? '_onImmediate' : undefined;
}

/** Whether `domain` is `other`, or was added to it, or to what was added to it: a circle would never end. */
export function isWithin(domain: Domain, other: object): boolean {
  for (let next: Domain | undefined = domain; next !== undefined; next = shared.keeperOf(next))
    if (next === other) return true;
  return false;
}

/**
 * Every kind of emitter ends in a way of its own. All are tried, the gentle ones first: what has been written may still
 * leave. This is error-ridden ground, so what they throw is of no interest.
 */
export function shutDown(member: Membership): void {
  const field = callbackField(member);
  if (field === '_onTimeout') clearTimeout(member as NodeJS.Timeout);
  else if (field === '_onImmediate') clearImmediate(member as NodeJS.Immediate);
  else {
    const ways = 'destroy' in member ? ['end', 'destroy'] : ['dispose', 'abort', 'end', 'close', 'kill', 'terminate'];
    for (const way of ways) attempt(way, member);
  }
}

function attempt(way: string, member: object): void {
  try {
    const end: unknown = Reflect.get(member, way);
    const ended: unknown = typeof end === 'function' ? Reflect.apply(end, member, []) : undefined;
    if (types.isPromise(ended)) ended.catch(() => {});
  } catch {}
}
