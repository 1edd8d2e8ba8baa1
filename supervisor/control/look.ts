// POST /v1/workers/:id/profile and inspect: the answer is the file itself, read piece by piece, or a connection that keeps an inspector
// open. Whoever leaves ends it.
import { createReadStream, statSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Refusal } from '../commands.js';
import type { Inspection, Profile } from '../look/looking.js';
import type { InspectLine } from './protocol.js';
import { answer } from './reply.js';
import { LineStream } from './stream.js';

/** A reader that takes nothing in for so long is gone. */
const PATIENCE_MS = 30_000;

/** Aborted when the reader is gone. */
function presence(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  if (response.destroyed) gone.abort();
  response.once('close', () => gone.abort());
  response.socket?.setTimeout(0);
  return gone.signal;
}

export async function sendProfile(
  response: ServerResponse,
  take: (signal: AbortSignal) => Promise<Profile | Refusal>,
): Promise<void> {
  const taken = await take(presence(response));
  if (!taken.ok) return void (response.destroyed || answer(response, 409, { version: 1, ...taken }));
  const { file, remove } = taken;
  try {
    response.socket?.setTimeout(PATIENCE_MS);
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-length': statSync(file).size,
      'cache-control': 'no-store',
    });
    // A reader that leaves is no news.
    await pipeline(createReadStream(file), response).catch(() => {});
  } finally {
    remove();
  }
}

export async function holdOpen(
  response: ServerResponse,
  open: (signal: AbortSignal) => Promise<Inspection | Refusal>,
): Promise<void> {
  const opened = await open(presence(response));
  if (response.destroyed) return;
  if (!opened.ok) return answer(response, 409, { version: 1, ...opened });
  const { url, over } = opened;
  const stream = new LineStream(response);
  const say = (line: InspectLine): void => stream.write(JSON.stringify(line));
  const devtools = `devtools://devtools/bundled/js_app.html?experiments=true&v8only=true&ws=${url.replace('ws://', '')}`;
  say({ type: 'open', url, devtools });
  say({ type: 'closed', why: (await over) ?? 'it was closed' });
  stream.end();
}
