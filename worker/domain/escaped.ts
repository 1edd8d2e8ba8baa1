// Errors that nobody caught, on their way to ending the process. They are met in `process.emit`, through which Node itself
// announces them: no listener is added that the program could count, and no capture callback is taken from it.
import { current } from './current.js';
import { type Route, routed, thrown } from './decorate.js';
import type { Claim, Domain } from './domain.js';
import { disown, originOf } from './memory.js';
import { type Guard, type LastResort, once, shared } from './shared.js';
import { clear, standingIn } from './stack.js';

/** What the program has asked to be done with an error that nobody caught; whether it has. */
type Program = (error: unknown) => boolean;

/** What a worker adds: who takes the errors of no domain, and how the program's own listeners are run. */
export function setLastResort(resort: LastResort, run: Guard): void {
  listenForEscaped();
  shared.lastResort = resort;
  shared.guard = run;
}

/** An `'error'` handler of a domain threw, and none further out could handle that. */
class HandlerFailed {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

/** Whom an error is offered to, in this order: its domain, those entered around it, and where each of these was made. */
function outward(domain: Domain | undefined, outer: readonly Domain[]): Domain[] {
  const all = new Set(outer.toReversed());
  if (domain !== undefined) all.delete(domain);
  const entered = domain === undefined ? [...all] : [domain, ...all];
  const found = new Set(entered);
  const climb = (from: Domain): void => {
    for (const next of [shared.keeperOf(from), from.enclosing])
      if (next !== undefined && !found.has(next)) {
        found.add(next);
        climb(next);
      }
  };
  for (const each of entered) climb(each);
  return [...found];
}

/** Offers an error to a domain and then outwards. A handler that throws passes on what it threw. */
function offer(error: unknown, origin: string, domain: Domain | undefined, outer: readonly Domain[]): Claim {
  const domains = outward(domain, outer);
  let failure: HandlerFailed | undefined;
  for (const [index, each] of domains.entries()) {
    const next = domains[index + 1];
    const around = next === undefined ? [] : outer.slice(0, outer.lastIndexOf(next) + 1);
    try {
      const claim = standingIn(around, next, () => each.claim(failure === undefined ? error : failure.error, origin));
      if (claim !== 'unclaimed') return claim;
    } catch (cause) {
      failure = new HandlerFailed(cause);
    }
  }
  if (failure !== undefined) throw failure;
  return 'unclaimed';
}

/**
 * Offers an error that was emitted, or passed to a bound callback, there and then. What no domain wants, and what a handler
 * throws that no other domain wants, is for the caller: the former is returned as false, the latter thrown.
 */
export function deliver(error: unknown, route: Route, domain: Domain, outer: readonly Domain[]): boolean {
  try {
    const claim = routed(route, () => offer(error, 'uncaughtException', domain, outer));
    if (claim === 'contained')
      shared.guard(() => shared.announce('uncaughtException', error, 'uncaughtException'), true);
    return claim !== 'unclaimed';
  } catch (failure) {
    if (!(failure instanceof HandlerFailed)) throw failure;
    disown(failure.error);
    throw failure.error;
  }
}

/**
 * How the process is told of an error:
 *
 * - `uncaught`: by Node, whose tick it has ended;
 * - `rejected`: by Node, which announces what the listeners throw in turn;
 * - `emitted`: by the program itself, which goes on.
 */
type Announcement = 'uncaught' | 'rejected' | 'emitted';

/** Deals with an error that nobody caught; whether it is dealt with. */
export function announced(error: unknown, origin: string, program: Program, how: Announcement = 'uncaught'): boolean {
  let last = error;
  let claim: Claim = 'unclaimed';
  let failed = false;
  const { domain, outer } = originOf(error);
  try {
    claim = routed(thrown, () => offer(error, origin, domain, outer));
  } catch (failure) {
    if (!(failure instanceof HandlerFailed)) throw failure;
    failed = true;
    last = failure.error;
  }
  if (how === 'uncaught') clear();
  if (claim === 'unclaimed') claim = shared.lastResort(last, origin);
  if (claim === 'handled') return true;
  if (claim === 'contained') {
    shared.guard(() => program(last), how !== 'rejected');
    return true;
  }
  const heard = current.getStore() === undefined ? program(last) : current.run(undefined, program, last);
  if (failed && !heard) throw last;
  return heard;
}

type Announce = (this: NodeJS.Process, event: string | symbol, ...args: unknown[]) => boolean;

/** Every rejection is announced under both names, as an uncaught exception first. */
const announcesTwice = [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''].some((flags) =>
  flags.includes('--unhandled-rejections=strict'),
);

/** Node tells the monitors first, whatever becomes of the error; a program that emits it by itself does not. */
function isNodes(error: unknown): boolean {
  const { announcing } = shared;
  shared.announcing = undefined;
  return announcing !== undefined && Object.is(announcing.error, error);
}

export function listenForEscaped(): void {
  once('escaped', () => {
    const emit = Reflect.get(process, 'emit') as Announce;
    let claimed = false;

    const intercepted = function (this: NodeJS.Process, event: string | symbol, ...args: unknown[]): boolean {
      if (event === 'uncaughtExceptionMonitor') {
        shared.announcing = { error: args[0], origin: String(args[1]) };
        // It is told first, so a monitor that ends the process would do so before anybody is answered.
        return this.listenerCount(event) > 0 && shared.guard(() => emit.call(this, event, ...args), true);
      }
      if (event === 'uncaughtException') {
        claimed = true;
        const program: Program = (error) => {
          claimed = false;
          return emit.call(this, event, error, ...args.slice(1));
        };
        return announced(args[0], String(args[1]), program, isNodes(args[0]) ? 'uncaught' : 'emitted');
      } else if (event === 'unhandledRejection') {
        if (announcesTwice) {
          if (claimed) return true;
        } else if (process.listenerCount(event) > 0)
          return announced(args[0], event, (error) => emit.call(this, event, error, ...args.slice(1)), 'rejected');
      }
      return emit.call(this, event, ...args);
    };
    process.emit = intercepted as typeof process.emit;
  });
}

/** Under what name Node announced the error that a capture callback is called with. */
export function announcedOrigin(): string {
  const { announcing } = shared;
  shared.announcing = undefined;
  return announcing?.origin ?? 'uncaughtException';
}
