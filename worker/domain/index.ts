// Error contexts, usable without a supervisor.
export { Domain } from './domain.js';
