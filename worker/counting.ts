// What a worker counts of its requests, and tells with every beat: a supervisor that is asked for metrics has it at hand, and need
// not wait for a worker that is busy.
import { METHODS as NODES_METHODS } from '../config/http.js';
import { type Beat, DURATION_BOUNDS_MS, type DurationCount, type RequestCount } from './protocol.js';

/** A request that is over. */
export interface Over {
  readonly method: string;
  readonly status: number | undefined;
  readonly route: string | undefined;
  readonly durationMs: number;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };
type Durations = Omit<Mutable<DurationCount>, 'counts'> & { readonly counts: number[] };

/** A program that takes addresses for routes must not fill the memory of whoever keeps its metrics. */
const MAX_ROUTES = 100;
const MAX_ROUTE = 200;
export const OTHER_ROUTES = 'other';
const METHODS = new Set(NODES_METHODS);
const SWITCHING = 101;

/** 0 where no head went out. */
const classOf = (status: number | undefined): number => (status === undefined ? 0 : Math.trunc(status / 100));

export class Counting {
  readonly #requests = new Map<string, Mutable<RequestCount>>();
  readonly #durations = new Map<string | undefined, Durations>();
  /** Of requests without a route, by method and by the first digit of their status: most are, and they pay for each look. */
  readonly #plain = new Map<string, Mutable<RequestCount>[]>();

  add({ method, status, route, durationMs }: Over): void {
    const known = route === undefined ? this.#plain.get(method)?.[classOf(status)] : undefined;
    if (known === undefined) return this.#addNew(method, status, route, durationMs);
    known.count++;
    if (status !== SWITCHING) this.#took(undefined, durationMs);
  }

  #addNew(method: string, status: number | undefined, told: string | undefined, durationMs: number): void {
    const route = this.#routeOf(told);
    const verb = METHODS.has(method) ? method : 'OTHER';
    const kind = status === undefined ? 'none' : `${Math.trunc(status / 100)}xx`;
    const key = route === undefined ? `${verb} ${kind}` : `${verb} ${kind} ${route}`;
    let known = this.#requests.get(key);
    if (known) known.count++;
    else {
      known = { method: verb, status: kind, count: 1, ...(route !== undefined && { route }) };
      this.#requests.set(key, known);
    }
    if (route === undefined && verb === method) this.#remember(verb, status, known);
    // A connection that was taken over lasts for as long as its client likes.
    if (status !== SWITCHING) this.#took(route, durationMs);
  }

  #remember(verb: string, status: number | undefined, known: Mutable<RequestCount>): void {
    const classes = this.#plain.get(verb) ?? [];
    classes[classOf(status)] = known;
    this.#plain.set(verb, classes);
  }

  get counts(): Pick<Beat, 'requests' | 'durations'> {
    return { requests: [...this.#requests.values()], durations: [...this.#durations.values()] };
  }

  #took(route: string | undefined, durationMs: number): void {
    let durations = this.#durations.get(route);
    if (!durations) {
      const counts = Array.from({ length: DURATION_BOUNDS_MS.length + 1 }, () => 0);
      durations = { counts, sumMs: 0, ...(route !== undefined && { route }) };
      this.#durations.set(route, durations);
    }
    let at = 0;
    while (at < DURATION_BOUNDS_MS.length && durationMs > (DURATION_BOUNDS_MS[at] ?? 0)) at++;
    durations.counts[at] = (durations.counts[at] ?? 0) + 1;
    durations.sumMs += durationMs;
  }

  #routeOf(told: string | undefined): string | undefined {
    if (told === undefined) return undefined;
    const route = told.slice(0, MAX_ROUTE);
    return this.#durations.has(route) || this.#durations.size < MAX_ROUTES ? route : OTHER_ROUTES;
  }
}
