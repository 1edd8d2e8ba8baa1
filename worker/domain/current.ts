import { AsyncLocalStorage } from 'node:async_hooks';
import type { Domain } from './domain.js';

/** The domain that is active here and now. Everything else in this folder is built on this one storage. */
export const current = new AsyncLocalStorage<Domain | undefined>();
