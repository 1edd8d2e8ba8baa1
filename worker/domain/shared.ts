// What there may be only one of in a process, however many copies of this package it has loaded: the storage that says
// which domain is active, who belongs to whom, and what is known of an error on its way. Two copies that each kept their
// own would each believe that an error is theirs.
import type { AsyncLocalStorage } from 'node:async_hooks';
import type { EventEmitter } from 'node:events';
import type { Route } from './decorate.js';
import type { Claim, Domain } from './domain.js';
import { makeStorage } from './storage.js';

/** Asked where no domain claims an error: a worker's root domain. */
export type LastResort = (error: unknown, origin: string) => Claim;
/** Runs the program's own listeners, whose wish to end the process may have to wait; whether it would end by what they throw. */
export type Guard = (listeners: () => boolean, byThrow: boolean) => boolean;
export type Emit = (this: EventEmitter, type: string | symbol, ...args: unknown[]) => boolean;
type Member = object;

/** Where an error was thrown out of, and what was active around that place. */
export interface Origin {
  /** Nobody's, when every domain that could have it has already failed to handle it. */
  readonly domain: Domain | undefined;
  readonly outer: readonly Domain[];
  readonly tick: number;
}

export interface Shared {
  readonly current: AsyncLocalStorage<Domain | undefined>;
  /** The domains entered in the call stack of this moment, the innermost last. */
  readonly stack: Domain[];
  /** What `process.domain` is where no domain is active: node:domain leaves null behind after an error. */
  absent: null | undefined;
  readonly thrown: WeakMap<object, Origin>;
  thrownPrimitive: { value: unknown; origin: Origin } | undefined;
  /** How the error came that is being offered, and the error, once a domain has handled it. */
  route: Route;
  decorated: unknown;
  /** What Node is announcing to the process: it tells a capture callback nothing but the error. */
  announcing: { readonly error: unknown; readonly origin: string } | undefined;
  lastResort: LastResort;
  guard: Guard;
  /** `process.emit` as it was. */
  announce: (event: string | symbol, ...args: unknown[]) => boolean;
  /** Told of every new membership, while there are tasks: by each copy of this package that has some. */
  readonly joined: Set<(member: Member, domain: Domain) => void>;
  readonly keeperOf: (member: Member) => Domain | undefined;
  /** The same for what is an emitter, in a third of the time: every emitter is prepared for being asked. */
  readonly domainOf: (emitter: Member) => Domain | undefined;
  readonly keep: (member: Member, domain: Domain | undefined) => void;
  /** The same for an emitter that is being made, and was nowhere yet. */
  readonly begin: (emitter: Member, domain: Domain | undefined) => void;
  /** What has been put in place once and for all. */
  readonly installed: Set<string>;
}

/**
 * Returning the object from a base constructor lets a private field be put on an object of somebody else's. One that extends null
 * makes no object of its own first.
 */
class Foreign extends (null as unknown as ObjectConstructor) {
  // @ts-expect-error It has nothing above it to call.
  // oxlint-disable-next-line constructor-super
  constructor(member: object) {
    return member;
  }
}

/** Membership that no inspection, comparison or copy of the member can see. Cheaper to set than any visible property. */
class Membership extends Foreign {
  #domain: Domain | undefined;

  constructor(member: object, domain: Domain | undefined) {
    super(member);
    this.#domain = domain;
  }

  static readonly keeperOf = (member: object): Domain | undefined => (#domain in member ? member.#domain : undefined);

  /** Whether a field is there is asked at more expense than what is in it. One that is missing is put there. */
  static readonly domainOf = (emitter: object): Domain | undefined => {
    try {
      return (emitter as Membership).#domain;
    } catch {
      Membership.begin(emitter, undefined);
      return undefined;
    }
  };

  static readonly begin = (emitter: object, domain: Domain | undefined): void => {
    try {
      void new Membership(emitter, domain);
    } catch {
      // Two constructors that both make it an emitter.
      Membership.keep(emitter, domain);
    }
  };

  static readonly keep = (member: object, domain: Domain | undefined): void => {
    if (#domain in member) member.#domain = domain;
    else void new Membership(member, domain);
  };
}

const key = Symbol.for('cordon.domain/1');
const realm = globalThis as typeof globalThis & { [key]?: Shared };

function create(): Shared {
  const shared: Shared = {
    current: makeStorage(),
    stack: [],
    absent: undefined,
    thrown: new WeakMap(),
    thrownPrimitive: undefined,
    route: { thrown: true },
    decorated: undefined,
    announcing: undefined,
    lastResort: () => 'unclaimed',
    guard: (listeners) => listeners(),
    announce: process.emit.bind(process) as Shared['announce'],
    joined: new Set(),
    keeperOf: Membership.keeperOf,
    domainOf: Membership.domainOf,
    keep: Membership.keep,
    begin: Membership.begin,
    installed: new Set(),
  };
  Object.defineProperty(realm, key, { value: shared });
  return shared;
}

export const shared: Shared = realm[key] ?? create();

/** Runs `install` unless it, or that of another copy of this package, has already run to its end. */
export function once(name: string, install: () => void): void {
  if (shared.installed.has(name)) return;
  install();
  shared.installed.add(name);
}
