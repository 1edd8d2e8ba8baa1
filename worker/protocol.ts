// Every message between the supervisor and a worker, and the exit code that is a worker's last word. Both sides import this
// file; nothing else in the project may know what a message looks like.

/** Why a worker was told to go, or went by itself. The first cause wins. */
export type Cause =
  | 'fault'
  | 'stop'
  | 'stalled'
  | 'orphaned'
  | 'disconnected'
  /** A newer generation has taken its place. */
  | 'reload'
  /** The older one has, since the newer was no good. */
  | 'rollback'
  | 'restart'
  | 'scale'
  | 'recycle';

/** What a worker's exit code says. Codes that Node and shells use themselves are left to them. */
export const ExitCode = {
  /** Everything was answered. */
  drained: 0,
  /** Everything else was answered, after an error that nobody caught. */
  faulted: 81,
  /** The kill timer fired; what was open was answered 503 where that could still be done. */
  cut: 82,
  /** The supervisor was gone. */
  orphaned: 83,
} as const;

/** One request, as the log and the book of errors name it. */
export interface RequestName {
  readonly method: string;
  readonly path: string;
  /** Taken over from `x-request-id`, or made. */
  readonly id: string;
}

/** A request as the book of errors keeps it. Secrets are not in it. */
export interface RequestDetail extends RequestName {
  /** Of the answer whose head went out; absent where none did. */
  readonly status?: number;
  readonly headers: Readonly<Record<string, string>>;
  /** From its head until the error. */
  readonly durationMs: number;
}

/** What an error was caused by, or one of an AggregateError's. */
export interface CauseReport {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  /** Whose `cause` it is, or whose `errors` it is one of: an index among the causes, -1 for the error itself. */
  readonly of: number;
  readonly as: 'cause' | 'errors';
}

/** An error that nobody caught, as data. Any thrown thing becomes one. */
export interface ErrorReport {
  /** `TypeError`, or `typeof` what was thrown where it is no error. */
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
  /** The program's own word on what belongs together (`error.fingerprint`). */
  readonly fingerprint?: string;
  readonly causes: readonly CauseReport[];
  /** How Node heard of it: `uncaughtException` or `unhandledRejection`; `reported` where the program has handled it itself. */
  readonly origin: string;
  /** Absent where no request can be blamed: a timer of the program's own, or a request answered long ago. */
  readonly request?: RequestDetail;
  /** What the program says about it, as JSON. */
  readonly context?: string;
}

/** Like errors are told together: the first, and how many there were. */
export interface CountedReport {
  readonly report: ErrorReport;
  readonly count: number;
}

/** What `node:net` and `node:dgram` ask for when a program listens. */
export interface BindQuery {
  readonly address: string | null;
  readonly port: number | null;
  readonly addressType: 4 | 6 | -1 | 'udp4' | 'udp6';
  readonly fd: number | null | undefined;
  readonly flags: number;
  readonly backlog?: number;
  /** The how-manyth server of this program on this address: port 0 twice is two ports, port 80 twice is taken. */
  readonly index: number;
  /** TLS session ticket keys, shared by all workers so that a session resumes in any of them. */
  readonly ticketKeys?: string;
}

/** Apache's, or JSON Lines. */
export type AccessFormat = 'common' | 'combined' | 'json';

/** A request that the kill timer cut. */
export interface CutRequest extends RequestName {
  /** Whether it could still be answered 503. */
  readonly answered: boolean;
}

/** The upper bounds of the histogram of durations, in milliseconds; what took longer comes after the last. */
export const DURATION_BOUNDS_MS = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000] as const;

export interface RequestCount {
  readonly method: string;
  /** `2xx` and so on; `none` where the client was gone before a head went out. */
  readonly status: string;
  /** What the program calls it, where it says so. */
  readonly route?: string;
  readonly count: number;
}

export interface DurationCount {
  readonly route?: string;
  /** How many were not longer than each bound, and than none of them; each is in one alone. */
  readonly counts: readonly number[];
  readonly sumMs: number;
}

/** A connection that moves from one worker to another, as far as its handle does not tell. */
export interface Moved {
  /** The listening socket it was accepted on. */
  readonly key: string;
  /** It has brought nothing yet: its client has not been served by anyone. */
  readonly fresh: boolean;
  /** How many requests it has brought, where its server limits them. */
  readonly requests: number;
}

/** What a worker says of itself, over and over. */
export interface Beat {
  /** Requests that are over since it started, and how many of them with an error: an uncaught one, or a status of 500 or more. */
  readonly served: number;
  readonly failed: number;
  /** Requests that are open. */
  readonly inFlight: number;
  readonly connections: number;
  /** By how many milliseconds this beat came too late. */
  readonly lagMs: number;
  /** The event loop's share of time at work since the last beat, from 0 to 1. */
  readonly utilization: number;
  /** The share of the JavaScript heap's limit that is in use, from 0 to 1. */
  readonly heapShare: number;
  /** Memory, in bytes. */
  readonly rss: number;
  /** Of that, the JavaScript heap in use. */
  readonly heap: number;
  /** Processor time since it started, in milliseconds. */
  readonly cpuMs: number;
  readonly requests: readonly RequestCount[];
  readonly durations: readonly DurationCount[];
}

/** A metric of the program's own, as prom-client's registry gives it. */
export interface ProgramMetric {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly aggregator: string;
  readonly values: readonly {
    /** A text where it is no finite number, which JSON does not know. */
    readonly value: number | string;
    readonly labels: Readonly<Record<string, string | number>>;
    /** With `_bucket`, `_sum`, `_count` behind it. */
    readonly metricName?: string;
  }[];
}

export type FromWorker =
  | { readonly type: 'bind'; readonly seq: number; readonly query: BindQuery }
  /** The preload is done; the program runs next. */
  | { readonly type: 'started' }
  /** A server of the program listens, on a socket of the supervisor's or on one of its own. */
  | { readonly type: 'listening'; readonly address: string; readonly port: number }
  /** The program itself closed this server, not a drain. */
  | { readonly type: 'closed'; readonly key: string }
  /** The first error that nobody caught. The worker goes on serving until it is told what to do. */
  | { readonly type: 'faulted' }
  | ({ readonly type: 'beat' } & Beat)
  /** The path that was to be probed has answered 2xx. */
  | { readonly type: 'healthy' }
  /** What the program measures itself: asked for, or the last before it ends (`seq` 0). */
  | { readonly type: 'measured'; readonly seq: number; readonly metrics: readonly ProgramMetric[] }
  | { readonly type: 'errors'; readonly errors: readonly CountedReport[]; readonly dropped: number }
  /** The worker drains without having been told to. */
  | { readonly type: 'draining'; readonly because: Cause }
  /** With a handle: a connection for another worker. */
  | { readonly type: 'hand-over'; readonly seq: number; readonly moved: Moved }
  /** Whether a connection that was given to this worker could be taken in: it has not been read from before this is said. */
  | { readonly type: 'taken'; readonly seq: number; readonly ok: boolean }
  /** How many connections it holds that could be moved, idle or not, and how many requests are open: should it die, these are lost. */
  | { readonly type: 'held'; readonly connections: number; readonly requests: number }
  | { readonly type: 'cut'; readonly requests: readonly CutRequest[] }
  /** How far a look has come that the supervisor asked for. */
  | ({ readonly type: 'looked'; readonly seq: number } & LookStep)
  /** Of the access log, each with its newline. */
  | { readonly type: 'access'; readonly lines: string }
  /** The last message: everything said before it has been written. */
  | { readonly type: 'leaving' };

/** A way to look into a live worker. Files are there already, for their owner alone. */
export type Look =
  | { readonly kind: 'cpu'; readonly file: string; readonly forMs: number }
  /** The event loop stands still meanwhile. */
  | { readonly kind: 'heap'; readonly file: string }
  | { readonly kind: 'inspector' };

export type LookStep =
  /** `url`: of the inspector. */
  | { readonly step: 'begun'; readonly url?: string }
  | { readonly step: 'done' }
  /** In a few words. */
  | { readonly step: 'failed'; readonly why: string };

export type ToWorker =
  /** Asks for a look into this worker. */
  | { readonly type: 'look'; readonly seq: number; readonly look: Look }
  /** Enough: the inspector is closed, a profile is dropped. */
  | { readonly type: 'look-away'; readonly seq: number }
  /** Asks for what the program measures itself. */
  | { readonly type: 'measure'; readonly seq: number }
  | {
      readonly type: 'bound';
      readonly seq: number;
      readonly error: number;
      readonly key: string;
      readonly ticketKeys?: string;
    }
  /** Accept: it was held until now. */
  | { readonly type: 'serve' }
  /** It was opened from outside, and its event loop has come back. `guilty`: because the call was ended that held it up. */
  | { readonly type: 'freed'; readonly guilty: boolean }
  | {
      readonly type: 'drain';
      readonly because: Cause;
      readonly killTimeoutMs: number;
      readonly lingerMs: number;
      /** Whether somebody is left to whom connections can be handed over. */
      readonly handOver: boolean;
    }
  /** A connection that was handed over has arrived in the supervisor, which holds it from now on. */
  | { readonly type: 'received'; readonly seq: number }
  /** One that was received is with who serves it from now on, and waits no more. */
  | { readonly type: 'arrived' }
  /** It has arrived in the supervisor, and there is nobody who could have it: it is its giver's again. */
  | { readonly type: 'returned'; readonly seq: number }
  /** With a handle: a connection of another worker's. */
  | { readonly type: 'take-over'; readonly seq: number; readonly moved: Moved }
  /** The fleet stops: nobody takes connections over any more. They end where they are. */
  | { readonly type: 'keep' }
  /** This worker holds more than its share: so many of its connections are for others, as soon as they are idle. */
  | { readonly type: 'pass-on'; readonly count: number };

/** Given to a worker in its environment and taken out of it before the program runs. */
export interface BootOrders {
  readonly killTimeoutMs: number;
  readonly lingerMs: number;
  /** Whether connections may move between workers. */
  readonly handOver: boolean;
  /** Whether workers that hold more than their share pass connections on. */
  readonly balance: boolean;
  /** Over how long a drain tells WebSockets that it is time to go. */
  readonly closeSpreadMs: number;
  /** Whether a drain waits for what requests have begun, too. */
  readonly tasks: boolean;
  /** Whether each request is told of, and how. */
  readonly access?: AccessFormat;
  /** Whether the supervisor reads what is printed; else it is the supervisor's own stdout and stderr that are printed to. */
  readonly piped: boolean;
  /** What the program hears of a drain. */
  readonly signal?: NodeJS.Signals;
  /** Between two beats. */
  readonly beatMs: number;
  /** Its servers listen, and accept nobody before `serve`. */
  readonly held: boolean;
  /** A path that it is to ask of itself until the answer is 2xx. */
  readonly probe?: string;
  /** Names, in lower case, of headers and parameters whose values are not to be told. */
  readonly redact: readonly string[];
}
export const BOOT_VARIABLE = 'CORDON_BOOT';
/** How the argument ends that loads the preload; it is taken out of `process.execArgv`, which the program's own forks inherit. */
export const PRELOAD_MARK = '/worker/preload.js';
/** The symbol on `globalThis` under which a worker says, as JSON, where it is to whoever has opened it from outside; called with true, it answers all that is open 503, because it is about to be killed. */
export const WHEREABOUTS = 'cordon.whereabouts';
export interface Place {
  /** The request that runs at this very moment. */
  readonly request: RequestDetail | null;
  /** Since its event loop last went round. */
  readonly silentMs: number;
}
/** The worker's end of a pipe that breaks when the supervisor is gone, however it went. */
export const LIFELINE_FD = 4;

/**
 * Node gives messages whose `cmd` begins with `NODE_` to `internalMessage`: the program's own `message` listeners never see them,
 * and listening for them does not keep a process alive.
 */
const CMD = 'NODE_CORDON';
export interface Envelope {
  readonly cmd: typeof CMD;
  readonly cordon: unknown;
}

export const seal = (message: FromWorker | ToWorker): Envelope => ({ cmd: CMD, cordon: message });

/** What an envelope holds, or nothing where it is somebody else's message. Both sides are of one version: no more is checked. */
export function open(message: unknown): unknown {
  if (typeof message !== 'object' || message === null) return undefined;
  const envelope = message as Partial<Envelope>;
  return envelope.cmd === CMD ? envelope.cordon : undefined;
}
