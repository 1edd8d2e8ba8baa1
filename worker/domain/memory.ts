// By the time the process hears of an error that was thrown out of a domain, that domain has been left. So each domain
// notes what is thrown out of it, on the way; the innermost one's note stands.
import { executionAsyncId } from 'node:async_hooks';
import { current } from './current.js';
import type { Domain } from './domain.js';
import { type Origin, shared } from './shared.js';

type Keyed = object & { readonly __keyed?: never };

const isKeyed = (error: unknown): error is Keyed =>
  (typeof error === 'object' && error !== null) || typeof error === 'function';

/** Notes that `error` was thrown out of `domain`, around which `outer` were entered. */
export function remember(error: unknown, domain: Domain, outer: readonly Domain[] = []): void {
  const known = recall(error);
  const tick = executionAsyncId();
  // Thrown further out by an outer domain, or again, elsewhere, by a program that keeps one error for many occasions?
  if (known?.tick === tick && (known.domain === undefined || known.outer.includes(domain))) return;
  note(error, { domain, outer, tick });
}

/** Notes that no domain is to be asked again. */
export function disown(error: unknown): void {
  note(error, { domain: undefined, outer: [], tick: executionAsyncId() });
}

function note(error: unknown, origin: Origin): void {
  if (isKeyed(error)) shared.thrown.set(error, origin);
  else shared.thrownPrimitive = { value: error, origin };
}

function recall(error: unknown): Origin | undefined {
  if (isKeyed(error)) return shared.thrown.get(error);
  const last = shared.thrownPrimitive;
  return last !== undefined && Object.is(last.value, error) ? last.origin : undefined;
}

/** Where an error that the process is told of comes from: the note, unless it is that of an earlier occasion. */
export function originOf(error: unknown): { domain: Domain | undefined; outer: readonly Domain[] } {
  const here = current.getStore();
  const noted = recall(error);
  if (!isKeyed(error)) shared.thrownPrimitive = undefined;
  if (noted === undefined || (here !== undefined && !isFresh(noted, here))) return { domain: here, outer: [] };
  return noted;
}

function isFresh({ domain, outer, tick }: Origin, here: Domain): boolean {
  // Jobs of promises may all have the id 0, which says nothing.
  if ((tick !== 0 && tick === executionAsyncId()) || outer.includes(here)) return true;
  for (let around = domain?.enclosing; around !== undefined; around = around.enclosing)
    if (around === here) return true;
  return false;
}
