// Every request to the control socket and every reply, for both of its sides. HTTP/1 with JSON, so that `curl --unix-socket` is a
// client; streams are JSON Lines, the past also server-sent events. Within /v1 fields are added, never changed or taken away.

import type { AppDifference } from '../../config/diff.js';
import type { AppOutcome, Progress, Refusal } from '../commands.js';
import type { BookFigures, IncidentDetail, IncidentSummary } from '../incidents/incidents.js';
import type { FleetStatus, SlotStatus, WorkerStatus } from '../status.js';

export const PREFIX = '/v1';
/** Of every document. */
export const VERSION = 1;
/** A request's body, in bytes. */
export const MAX_BODY = 64 * 1024;
export const JSON_LINES = 'application/x-ndjson';
export const EVENT_STREAM = 'text/event-stream';

/** Who may ask: everybody who reaches a socket, or only the one for its owner. */
export type Right = 'read' | 'write';

/** Every endpoint; `:id` stands for one segment. The list is what a wrong path is answered with. */
export const endpoints = {
  'GET /v1/status': 'the fleet and its workers',
  'GET /v1/fleet': 'the fleet and its configuration',
  'GET /v1/workers/:id': 'one worker',
  'GET /v1/errors': 'incidents, the latest first; ?lines=n, ?since=ms, ?state=new',
  'GET /v1/errors/:id': 'one incident, with its stack and requests',
  'POST /v1/errors/:id/resolve': 'mark an incident as resolved',
  'GET /v1/events': 'what the supervisor did and why; ?follow, ?lines=n, ?since=ms, ?worker=id, ?level=warn',
  'GET /v1/logs': 'recent log lines; ?follow, ?lines=n, ?since=ms, ?worker=id, ?level=warn, ?mark',
  'POST /v1/logs/reopen': 'begin log files anew, after logrotate has renamed them',
  'GET /metrics': 'Prometheus text',
  'GET /livez': '200 while the supervisor runs',
  'GET /readyz': '200 while it is to get new requests',
  'POST /v1/reload': 'a new generation; {"canary"?, "bakeMs"?, "env"?, "all"?}',
  'POST /v1/diff': 'what a reload of all apps would do; {"file"?}',
  'POST /v1/rollback': 'back to the generation before',
  'POST /v1/restart': 'every worker at once',
  'POST /v1/scale': '{"to": n} or {"by": n}',
  'POST /v1/maintenance': 'whether load balancers are to send nobody here; {"on": true}',
  'POST /v1/upgrade': 'replace the supervisor itself',
  'POST /v1/stop': '{"now"?, "all"?}',
  'POST /v1/workers/:id/drain': 'replace one worker',
  'POST /v1/workers/:id/profile': '{"cpuMs": n} or {"heap": true}; answered with the file',
  'POST /v1/workers/:id/inspect': 'open its inspector for as long as this connection lasts',
} as const satisfies Readonly<Record<`${'GET' | 'POST'} /${string}`, string>>;
export type Endpoint = keyof typeof endpoints;

/** What the system says of a process. A share of 1 is a whole core. */
export interface Usage {
  readonly cpu?: number;
  readonly rssBytes?: number;
}

/** What a worker said of itself in its last beat; absent before its first. */
interface Counts {
  /** Requests that are over, and how many of them with an error or a status of 500 or more. */
  readonly requests?: number;
  readonly failed?: number;
  readonly inFlight?: number;
  readonly connections?: number;
  /** By how much the beat came too late. */
  readonly lagMs?: number;
  /** Of its event loop, 0 to 1. */
  readonly utilisation?: number;
}

export interface WorkerReply extends Omit<WorkerStatus, 'beat'>, Usage, Counts {
  /** That it told of: those that nobody caught, and those that its program has reported. */
  readonly errors: number;
  readonly uptimeMs: number;
  /** Of its slot. */
  readonly restarts: number;
  readonly lastEnd: string | undefined;
}

export interface StatusReply extends Omit<FleetStatus, 'version' | 'workers' | 'slots' | 'beside' | 'waitsFor'>, Usage {
  readonly version: typeof VERSION;
  /** Of cordon. */
  readonly cordon: string;
  readonly uptimeMs: number;
  /** Incidents in the book, by their state. */
  readonly errors: BookFigures & { readonly incidents: number };
  readonly slots: readonly SlotStatus[];
  readonly workers: readonly WorkerReply[];
  /** The other apps of its process. Absent before 0.2, as the next. */
  readonly beside?: readonly string[];
  /** The apps that must be ready before this one starts. */
  readonly waitsFor?: readonly string[];
}

export interface WorkerDocument extends WorkerReply {
  readonly version: typeof VERSION;
  readonly name: string;
}

/** Everything about one incident. */
export interface ErrorReply extends IncidentDetail {
  readonly version: typeof VERSION;
}

export interface ErrorsReply {
  readonly version: typeof VERSION;
  readonly name: string;
  readonly incidents: readonly IncidentSummary[];
  /** How many more there are, where only so many were asked for. */
  readonly more?: number;
}

/** What a reload would do, app by app. No value of a variable is in it. */
export interface DiffReply {
  readonly version: typeof VERSION;
  readonly apps: readonly AppDifference[];
}

/** One line of an order that takes its time, asked for with `Accept: application/x-ndjson`. The last one is the outcome. */
export type OrderLine = ({ readonly type: 'progress' } & Progress) | ({ readonly type: 'outcome' } & OrderOutcome);

/** The answer to an order: what happened. HTTP's 200 where `ok`, else 409. */
export interface OrderOutcome {
  readonly ok: boolean;
  /** Where it is not ok: one sentence. */
  readonly why?: string;
  /** Where it is not ok and something was changed, or has ended: `goes-on`, `stopping` or `replaced`. */
  readonly became?: Refusal['became'];
  readonly tookMs: number;
  readonly generation?: number;
  /** Of a rollback: which generation ran it before, and the script, free of links. */
  readonly of?: number;
  readonly script?: string;
  readonly lastWords?: readonly string[];
  readonly from?: number;
  readonly to?: number;
  /** Log files that were begun anew. */
  readonly files?: readonly string[];
  /** Of the supervisor's successor. */
  readonly pid?: number;
  readonly cordon?: string;
  readonly node?: string;
  /** What a command that has asked for it ends with, where that is not 1. */
  readonly exitCode?: number;
  /** What became of each app, where all were asked for. */
  readonly apps?: readonly AppOutcome[];
  /** Requests that a stop or drain cut, since they took too long. */
  readonly cut?: readonly { readonly method: string; readonly path: string }[];
}

/** Lines of an inspection: open, then, where it was not the client that left, why it is closed. */
export type InspectLine =
  | { readonly type: 'open'; readonly url: string; readonly devtools: string }
  | { readonly type: 'closed'; readonly why: string };

/** Instead of lines that a slow reader could not take in. */
export interface DroppedLine {
  readonly dropped: number;
}

/** With ?mark: all that was there has been told, and what follows is new. */
export interface PastLine {
  readonly past: true;
}

/** What every refusal holds. */
export interface RefusalReply {
  readonly version: typeof VERSION;
  readonly error: string;
  readonly endpoints?: Readonly<Record<string, string>>;
  /** What a command that has asked for it ends with. Default: 1. */
  readonly exitCode?: number;
}
