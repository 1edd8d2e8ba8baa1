import { shared } from './shared.js';

/** The domain that is active here and now. Everything else in this folder is built on this one storage. */
export const { current } = shared;

/** Whether V8's frames carry it, which Node puts back after each callback of its own; else async_hooks do. */
export { framed } from './storage.js';
