// Errors that nobody caught, on their way to ending the process. They are met in `process.emit`, through which Node itself
// announces them: no listener is added that the program could count, and no capture callback is taken from it.
import { current } from './current.js';
import type { Claim, Domain } from './domain.js';

/** Asked where no domain claims an error: a worker's root domain. */
export type LastResort = (error: unknown, origin: string) => Claim;
/** Runs the program's own listeners, whose wish to end the process may have to wait. */
export type Guard = (listeners: () => boolean) => boolean;

let listening = false;
let lastResort: LastResort = () => 'unclaimed';
let guard: Guard = (listeners) => listeners();

/** What was thrown out of a domain, and by which: the context is unwound before the process hears of it. */
const thrownBy = new WeakMap<object, Domain>();
let lastPrimitive: { value: unknown; domain: Domain } | undefined;

export function remember(error: unknown, domain: Domain): void {
  if (typeof error === 'object' && error !== null) {
    if (!thrownBy.has(error)) thrownBy.set(error, domain);
  } else lastPrimitive = { value: error, domain };
}

function domainOf(error: unknown): Domain | undefined {
  const domain = typeof error === 'object' && error !== null ? thrownBy.get(error) : primitiveDomain(error);
  return domain ?? current.getStore();
}

function primitiveDomain(value: unknown): Domain | undefined {
  const last = lastPrimitive;
  lastPrimitive = undefined;
  return last !== undefined && Object.is(last.value, value) ? last.domain : undefined;
}

/** What a worker adds: who takes the errors of no domain, and how the program's own listeners are run. */
export function setLastResort(resort: LastResort, run: Guard): void {
  lastResort = resort;
  guard = run;
}

/** Throws an error again in a tick of its own, so that Node treats it as it treats any other that nobody caught. */
export function throwLater(error: unknown, domain: Domain): void {
  current.run(domain, () =>
    process.nextTick(() => {
      throw error;
    }),
  );
}

function offer(error: unknown, origin: string): Claim {
  const claim = domainOf(error)?.claim(error, origin) ?? 'unclaimed';
  return claim === 'unclaimed' ? lastResort(error, origin) : claim;
}

export function listenForEscaped(): void {
  if (listening) return;
  listening = true;
  const emit = process.emit as (this: NodeJS.Process, event: string | symbol, ...args: unknown[]) => boolean;

  const intercepted = function (this: NodeJS.Process, event: string | symbol, ...args: unknown[]): boolean {
    const program = (): boolean => emit.call(this, event, ...args);
    if (event === 'uncaughtException') {
      const claim = offer(args[0], String(args[1]));
      if (claim === 'contained') guard(program);
      return claim === 'unclaimed' ? program() : true;
    }
    if (event === 'unhandledRejection' && process.listenerCount(event) > 0) {
      const claim = offer(args[0], event);
      if (claim === 'contained') guard(program);
      return claim === 'unclaimed' ? program() : true;
    }
    return program();
  };
  process.emit = intercepted as typeof process.emit;
}
