// The domains entered in the call stack of this moment. The storage alone knows only the innermost; who is around it
// matters for `exit`, and for an error that is thrown through several of them.
import { current } from './current.js';
import type { Domain } from './domain.js';
import { shared } from './shared.js';

const { stack } = shared;

/** Begins a stay in a domain; returns the depth to go back to. What an earlier tick left behind is dropped. */
export function push(domain: Domain): number {
  const outer = current.getStore();
  const depth = stack.length;
  if ((depth === 0 ? undefined : stack[depth - 1]) === outer) {
    stack[depth] = domain;
    return depth;
  }
  return rebase(outer).push(domain) - 1;
}

/** An exit in between may have gone below `depth` already. */
export function popTo(depth: number): void {
  // Given the length 0, an array lets go of its memory, and the next stay would have to ask for it again.
  if (stack.length === depth + 1) stack.pop();
  else if (stack.length > depth) stack.length = depth;
  shared.absent = undefined;
}

/** The stack as it truly is here: in a callback it starts anew, with the domain that the callback belongs to. */
export function frames(): Domain[] {
  const active = current.getStore();
  return stack.at(-1) === active ? stack : rebase(active);
}

function rebase(base: Domain | undefined): Domain[] {
  stack.length = 0;
  if (base !== undefined) stack.push(base);
  return stack;
}

/** What was entered before the stay that began at `depth`. */
export const enteredBelow = (depth: number): readonly Domain[] => stack.slice(0, depth);

/** What is around the innermost domain; `within` itself and its repetitions do not count as around it. */
export function around(within: Domain | undefined, outer: readonly Domain[] = frames()): readonly Domain[] {
  let end = outer.length;
  while (end > 0 && outer[end - 1] === within) end--;
  return outer.slice(0, end);
}

/** Runs `fn` as if only `outer` had been entered, with `active` as the active domain; then everything is as before. */
export function standingIn<R>(outer: readonly Domain[], active: Domain | undefined, fn: () => R): R {
  const before = stack.slice();
  const { absent } = shared;
  stack.splice(0, stack.length, ...outer);
  shared.absent = null;
  try {
    return current.run(active, fn);
  } finally {
    stack.splice(0, stack.length, ...before);
    shared.absent = absent;
  }
}

/** An uncaught error ends its tick: nothing that was entered in it is still entered. */
export function clear(): void {
  stack.length = 0;
  shared.absent = null;
}
