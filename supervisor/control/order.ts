// POST: an order, and what became of it. Whoever accepts JSON Lines hears how far it has come; the order goes on without them.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CutRequest } from '../../worker/protocol.js';
import { JSON_LINES, type OrderLine, type OrderOutcome } from './protocol.js';
import { answer } from './reply.js';
import type { Sources } from './sources.js';
import { LineStream } from './stream.js';

/** Resolves when the outcome has been handed over, or there is nobody to hand it to. */
export async function carryOut(
  request: IncomingMessage,
  response: ServerResponse,
  { commands, journal }: Sources,
  run: () => Promise<Omit<OrderOutcome, 'tookMs' | 'cut'> & { readonly cutBy?: number | 'anyone' }>,
): Promise<void> {
  const begun = performance.now();
  const cut: { readonly worker: number; readonly requests: readonly CutRequest[] }[] = [];
  const unfollow = journal.onCut((worker, requests) => cut.push({ worker, requests }));
  const stream = request.headers.accept?.includes(JSON_LINES) ? new LineStream(response) : undefined;
  if (!stream) response.socket?.setTimeout(0);
  const say = (line: OrderLine): void => stream?.write(JSON.stringify(line));
  const silence = commands.progress((progress) => say({ type: 'progress', ...progress }));
  let outcome: OrderOutcome;
  try {
    const { cutBy, ...became } = await run();
    const lost = cut.filter(({ worker }) => cutBy === 'anyone' || worker === cutBy).flatMap(({ requests }) => requests);
    outcome = {
      ...became,
      tookMs: Math.round(performance.now() - begun),
      ...(cutBy !== undefined && { cut: lost.map(({ method, path }) => ({ method, path })) }),
    };
  } finally {
    unfollow();
    silence();
  }
  if (response.destroyed) return;
  const handedOver = new Promise<void>((resolve) => void response.once('close', resolve));
  say({ type: 'outcome', ...outcome });
  if (stream) stream.end();
  else answer(response, outcome.ok ? 200 : 409, { version: 1, ...outcome });
  await handedOver;
}
