// Error contexts, usable without a supervisor.
export { Domain, type DomainEvents, switchOn } from './domain.js';
export type { Membership, Timer } from './members.js';
export { create, createDomain, domain } from './module.js';
export type { Done, Outcome, Run } from './operation.js';
export { Session, type SessionCallback, SessionClosed, type SessionOptions, SessionTimeout } from './session.js';
export { createTask, Task, type TaskCallback } from './task.js';
