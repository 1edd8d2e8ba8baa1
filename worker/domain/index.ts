// Error contexts, usable without a supervisor. Only a program that imports them finds `process.domain` and `emitter.domain` in
// place: to one that merely runs in a worker nothing is to be seen of them.
import { show } from './visible.js';

export { Domain, type DomainEvents, switchOn } from './domain.js';
export type { Membership, Timer } from './members.js';
export { create, createDomain, domain } from './module.js';
export type { Done, Outcome, Run } from './operation.js';
export { Session, type SessionCallback, SessionClosed, type SessionOptions, SessionTimeout } from './session.js';
export { createTask, Task, type TaskCallback } from './task.js';

show();
