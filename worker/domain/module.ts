// The module as programs know it that say `require('node:domain')`.
import { current } from './current.js';
import { Domain } from './domain.js';
import { shared } from './shared.js';
import { frames } from './stack.js';

export function create(): Domain {
  return new Domain();
}

/** The name that Node 0.8 used. */
export function createDomain(): Domain {
  return create();
}

/** What `require('node:domain')` would give, on our ground: in its place an old program needs no change. */
export const domain = {
  Domain,
  create,
  createDomain,
  get active(): Domain | null | undefined {
    return current.getStore() ?? shared.absent;
  },
  /** The domains entered in this call stack, the innermost last. */
  get _stack(): Domain[] {
    return [...frames()];
  },
};
