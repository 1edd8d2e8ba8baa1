// What a client reads when a request fails: no stack, and an id under which the operator finds the error.
import { STATUS_CODES } from '../config/http.js';

export interface Answer {
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

const TYPES = ['application/json', 'text/html', 'text/plain'] as const;
type Type = (typeof TYPES)[number];

/** The answer in JSON, HTML or text, whichever the client prefers; JSON where it does not care. */
export function answerBody(status: number, id: string, accept: string | undefined): Answer {
  const type = preferred(accept);
  const body = render[type](STATUS_CODES[status] ?? String(status), id);
  return {
    headers: [
      ['content-type', `${type}; charset=utf-8`],
      ['content-length', String(Buffer.byteLength(body))],
      ['cache-control', 'no-store'],
      ['x-request-id', id],
    ],
    body,
  };
}

const render: Record<Type, (text: string, id: string) => string> = {
  'application/json': (error, requestId) => `${JSON.stringify({ error, requestId })}\n`,
  'text/html': (error, id) =>
    `<!doctype html><meta charset="utf-8"><title>${error}</title><h1>${error}</h1><p>Request ${escapeHtml(id)}</p>\n`,
  'text/plain': (error, id) => `${error}\nRequest ${id}\n`,
};

const escapeHtml = (value: string): string => value.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** Of the types we have, the one with the highest quality; the order of `TYPES` breaks a tie (RFC 9110, 12.5.1). */
export function preferred(accept: string | undefined): Type {
  if (accept === undefined) return TYPES[0];
  const ranges = accept.split(',').map((range) => {
    const [name = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const quality = parameters.find((parameter) => parameter.startsWith('q='));
    return { name, quality: quality === undefined ? 1 : Number(quality.slice(2)) || 0 };
  });
  const qualityOf = (type: Type): number => {
    const patterns = [type, `${type.split('/')[0]}/*`, '*/*'];
    for (const pattern of patterns) {
      const range = ranges.find(({ name }) => name === pattern);
      if (range) return range.quality;
    }
    return 0;
  };
  return TYPES.reduce((best, type) => (qualityOf(type) > qualityOf(best) ? type : best), TYPES[0]);
}
