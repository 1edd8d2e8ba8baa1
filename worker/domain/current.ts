import { shared } from './shared.js';

/** The domain that is active here and now. Everything else in this folder is built on this one storage. */
export const { current } = shared;
