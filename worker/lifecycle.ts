// A worker's life as data: booting → serving → draining → gone. Facts go in, a new state and orders come out; `start.ts` is the
// shell that carries them out. Nothing in here touches a socket, a timer or the process.
import { type Cause, ExitCode, type FromWorker } from './protocol.js';

/** A moment on the monotonic clock, in milliseconds. */
export type Instant = number;

export interface Terms {
  /** From the beginning of a drain until what is left is cut. */
  readonly killTimeoutMs: number;
  /** How long an idle kept connection is waited on before it is closed. */
  readonly lingerMs: number;
}

export type Life =
  /** Nothing listens yet: an error here ends the process, as it does without cordon. */
  | { readonly phase: 'booting' }
  | { readonly phase: 'serving'; readonly faulted: boolean }
  | { readonly phase: 'draining'; readonly because: Cause; readonly until: Instant }
  /** Cut off, answered 503, on the way out. */
  | { readonly phase: 'gone' };

export type Fact =
  | { readonly type: 'listening' }
  /** An error that nobody caught, contained. */
  | { readonly type: 'fault' }
  /** From the supervisor, or by the worker's own resolve. */
  | { readonly type: 'drain'; readonly because: Cause; readonly terms: Terms; readonly told: boolean }
  /** No connection and no request is left. */
  | { readonly type: 'emptied' }
  | { readonly type: 'time-passed' };

export type Order =
  | { readonly type: 'tell'; readonly message: FromWorker }
  | { readonly type: 'stop-accepting'; readonly lingerMs: number }
  /** Answer 503 where that can still be done, and break off the rest. */
  | { readonly type: 'cut' }
  | { readonly type: 'leave'; readonly code: number };

export interface Turn {
  readonly life: Life;
  readonly orders: readonly Order[];
}

const exitCodeOf: Record<Cause, number> = {
  fault: ExitCode.faulted,
  orphaned: ExitCode.orphaned,
  stalled: ExitCode.drained,
  stop: ExitCode.drained,
  disconnected: ExitCode.drained,
  reload: ExitCode.drained,
  rollback: ExitCode.drained,
  restart: ExitCode.drained,
  scale: ExitCode.drained,
  recycle: ExitCode.drained,
};

export function live(life: Life, fact: Fact, now: Instant): Turn {
  switch (fact.type) {
    case 'listening':
      return life.phase === 'booting' ? turn({ phase: 'serving', faulted: false }) : turn(life);
    case 'fault':
      return life.phase === 'serving' && !life.faulted
        ? turn({ phase: 'serving', faulted: true }, { type: 'tell', message: { type: 'faulted' } })
        : turn(life);
    case 'drain':
      return drain(life, fact, now);
    case 'emptied':
      return life.phase === 'draining'
        ? turn({ phase: 'gone' }, { type: 'leave', code: exitCodeOf[life.because] })
        : turn(life);
    case 'time-passed':
      return life.phase === 'draining' && now >= life.until
        ? turn({ phase: 'gone' }, { type: 'cut' }, { type: 'leave', code: ExitCode.cut })
        : turn(life);
  }
}

/** Whether this worker has met an error that nobody caught, and is on its way out for it or will be. */
export const hasFaulted = (life: Life): boolean =>
  (life.phase === 'serving' && life.faulted) || (life.phase === 'draining' && life.because === 'fault');

/** The moment at which `time-passed` should be told next. */
export const deadline = (life: Life): Instant | undefined => (life.phase === 'draining' ? life.until : undefined);

/**
 * The first cause wins: a worker already on its way out keeps its reason, and its kill timer unless others give it less time: a stop, or
 * the end of the supervisor, while it drains for a fault.
 */
function drain(life: Life, { because, terms, told }: Extract<Fact, { type: 'drain' }>, now: Instant): Turn {
  const until = now + terms.killTimeoutMs;
  if (life.phase === 'gone') return turn(life);
  if (life.phase === 'draining')
    return turn(
      because === 'disconnected'
        ? life
        : // The channel's end looks like a program that disconnects.
          {
            ...life,
            because: because === 'orphaned' && life.because === 'disconnected' ? because : life.because,
            until: Math.min(life.until, until),
          },
    );
  const orders: Order[] = [{ type: 'stop-accepting', lingerMs: terms.lingerMs }];
  if (!told) orders.unshift({ type: 'tell', message: { type: 'draining', because } });
  return turn({ phase: 'draining', because, until }, ...orders);
}

const turn = (life: Life, ...orders: Order[]): Turn => ({ life, orders });
