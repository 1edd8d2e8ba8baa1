// The table of failures, and what each promises to the client that meets it.
import type { ExecutionContext } from 'ava';
import type { Answer, Asked, Outcome } from './client.js';
import { type Fleet, type LogLine, root } from './fleet.js';

export interface Kind {
  readonly expected: '500' | 'broken' | 'root';
  readonly request?: 'POST' | 'half' | 'HTTP/1.0';
  /** Most frameworks catch it and answer by themselves. */
  readonly framework?: boolean;
}

export const { kinds } = (await import(`file://${root}examples/failures.mjs`)) as { kinds: Record<string, Kind> };

/** What has to be sent for a failure. */
export function askFor(kind: string, id: string): Asked {
  const { request } = kinds[kind] as Kind;
  return {
    path: `/fail/${kind}`,
    headers: { 'x-request-id': id, ...(request === 'half' && { 'content-length': '10' }) },
    ...(request === 'HTTP/1.0' && { version: '1.0' }),
    ...(request === 'POST' && { body: '0123456789' }),
    ...(request === 'half' && { body: '01234' }),
  };
}

/** The request failed for its own client, in the way that the table says. */
export function failedAs(t: ExecutionContext, kind: string, id: string, outcome: Outcome): void {
  const { expected } = kinds[kind] as Kind;
  if (expected === 'broken') return void t.is(outcome.became, 'broken', `${kind}: ${JSON.stringify(outcome)}`);
  if (outcome.became !== 'answered') return void t.fail(`${kind}: ${outcome.why}`);
  if (expected === '500') return isOurs(t, outcome, id, kind);
  t.is(outcome.status, 200, kind);
  t.is(outcome.body, 'ok\n', kind);
}

/** A 500 of cordon's, in JSON: an id to ask for, and nothing of what happened. */
export function isOurs(
  t: ExecutionContext,
  { status, headers, body }: Omit<Answer, 'became' | 'interim'>,
  id: string,
  kind = '',
): void {
  t.is(status, 500, kind);
  t.is(headers['x-request-id'], id, kind);
  t.is(headers['content-type'], 'application/json; charset=utf-8', kind);
  t.deepEqual(JSON.parse(body), { error: 'Internal Server Error', requestId: id }, kind);
}

/** The log's line about the error of this request. */
export const reported = (fleet: Fleet, kind: string, id: string): Promise<LogLine> =>
  fleet.line(({ msg, request }) => {
    const named = (request as { id?: string } | undefined)?.id;
    return named === id || (named === undefined && msg.includes(`Bug: ${kind} –`));
  });
