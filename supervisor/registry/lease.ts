// An entry that lives as long as its lease, as a pure machine: what is wanted and what the registry has been seen to hold, in; the
// one request that brings them closer, out. There is never more than one under way. Times are of the monotonic clock.

export interface Terms {
  /** How long an entry outlives its instance. */
  readonly ttlMs: number;
  /** As many servers can be asked, one after the other, before it means anything that none answers. */
  readonly servers: number;
}

export interface Keeper {
  readonly wanted: string | undefined;
  readonly lease: { readonly id: string; readonly renewAt: number } | undefined;
  /** What was written under this lease. */
  readonly written: string | undefined;
  /** No sooner is a changed entry written again: a fleet that flaps must not make the registry flap. */
  readonly quietUntil: number;
  /** A request was not answered, and may yet be carried out: what is written is written once more. */
  readonly doubtful: boolean;
  /** Failures in a row. */
  readonly failures: number;
  /** Nothing is asked before. */
  readonly notBefore: number;
  /** The operator knows that it is registered, and that the registry does not answer. */
  readonly announced: boolean;
  readonly told: boolean;
}

export const nothingKept: Keeper = {
  wanted: undefined,
  lease: undefined,
  written: undefined,
  quietUntil: Number.NEGATIVE_INFINITY,
  doubtful: false,
  failures: 0,
  notBefore: Number.NEGATIVE_INFINITY,
  announced: false,
  told: false,
};

export type Order =
  | { readonly type: 'grant'; readonly ttlMs: number }
  | { readonly type: 'put'; readonly lease: string; readonly value: string }
  | { readonly type: 'renew'; readonly lease: string }
  /** Takes the entry away with it. */
  | { readonly type: 'revoke'; readonly lease: string };

export type Fact =
  | { readonly type: 'granted'; readonly lease: string; readonly ttlMs: number }
  | { readonly type: 'put'; readonly value: string }
  | { readonly type: 'renewed'; readonly ttlMs: number }
  | { readonly type: 'revoked' }
  /** The registry knows no such lease: it ran out, or all was lost there. */
  | { readonly type: 'lost' }
  | { readonly type: 'failed'; readonly why: string };

/** What the operator is to hear. */
export type News =
  | { readonly type: 'registered' | 'gone' | 'back' }
  | { readonly type: 'silent'; readonly why: string };

/** At most one change a second. */
const QUIET_MS = 1000;
const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 5000;
/** Of the time to live: two renewals may fail. */
const RENEWALS = 3;

/** The request that is due, or when one will be; undefined while only something new can change that. */
export function due(
  keeper: Keeper,
  now: number,
  { ttlMs }: Terms,
): Order | { readonly type: 'wait'; until: number | undefined } {
  const { wanted, lease, written, notBefore, quietUntil } = keeper;
  if (wanted === undefined && lease === undefined) return { type: 'wait', until: undefined };
  if (now < notBefore) return { type: 'wait', until: notBefore };
  if (lease === undefined) return { type: 'grant', ttlMs };
  if (wanted === undefined) return { type: 'revoke', lease: lease.id };
  if (now >= lease.renewAt) return { type: 'renew', lease: lease.id };
  if (written === wanted) return { type: 'wait', until: lease.renewAt };
  if (written !== undefined && now < quietUntil) return { type: 'wait', until: Math.min(quietUntil, lease.renewAt) };
  return { type: 'put', lease: lease.id, value: wanted };
}

/** @param random from 0 to 1: many instances that lost one registry must not come back in step. */
export function learn(
  keeper: Keeper,
  fact: Fact,
  now: number,
  terms: Terms,
  random: number,
): { readonly keeper: Keeper; readonly news: readonly News[] } {
  if (fact.type === 'failed') return failed(keeper, fact.why, now, terms, random);
  const well: Keeper = { ...keeper, failures: 0, notBefore: Number.NEGATIVE_INFINITY };
  const renewAt = (ttlMs: number): number => now + Math.min(ttlMs, terms.ttlMs) / RENEWALS;
  switch (fact.type) {
    case 'granted':
      return silent({ ...well, lease: { id: fact.lease, renewAt: renewAt(fact.ttlMs) }, written: undefined });
    case 'put': {
      const news: News[] = keeper.told ? [{ type: 'back' }] : keeper.announced ? [] : [{ type: 'registered' }];
      const written = { written: fact.value, quietUntil: now + QUIET_MS };
      return { keeper: { ...well, ...written, announced: true, told: false }, news };
    }
    case 'renewed': {
      if (keeper.lease === undefined) return silent(well);
      const kept: Keeper = { ...well, lease: { ...keeper.lease, renewAt: renewAt(fact.ttlMs) }, doubtful: false };
      if (keeper.doubtful) return silent({ ...kept, written: undefined });
      return { keeper: { ...kept, told: false }, news: keeper.told ? [{ type: 'back' }] : [] };
    }
    case 'revoked':
    case 'lost': {
      const gone: Keeper = { ...well, lease: undefined, written: undefined, doubtful: false, announced: false };
      if (keeper.wanted !== undefined) return silent(gone);
      return { keeper: { ...gone, told: false }, news: [{ type: 'gone' }] };
    }
  }
}

const silent = (keeper: Keeper) => ({ keeper, news: [] });

function failed(keeper: Keeper, why: string, now: number, { servers, ttlMs }: Terms, random: number) {
  const failures = keeper.failures + 1;
  // The next server is asked at once; all of them again only after a while.
  const rounds = Math.floor(failures / servers);
  const wait =
    Math.min(LONGEST_WAIT_MS, ttlMs / RENEWALS, FIRST_WAIT_MS * 2 ** Math.min(rounds - 1, 10)) * (0.5 + random);
  const notBefore = failures % servers === 0 ? now + wait : now;
  const tell = failures >= servers && !keeper.told;
  const news: News[] = tell ? [{ type: 'silent', why }] : [];
  return { keeper: { ...keeper, failures, notBefore, doubtful: true, told: keeper.told || tell }, news };
}
