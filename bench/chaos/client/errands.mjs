// What a client may ask for, and when it counts as done.
import { createHash } from 'node:crypto';
import { lossOf } from '../../client/judge.mjs';
import { pattern } from '../servers/routes.mjs';

const KB = 1024;
const PIECES = 16;
const upload = pattern(KB * KB).toString('latin1');
const uploaded = `${upload.length} ${createHash('sha1').update(upload, 'latin1').digest('hex')}`;
const download = pattern(2 * KB * KB).toString('latin1');

const between = (least, most, dice) => least + Math.floor(dice() * (most - least + 1));

/** Answered 200, whole, to whom it was meant for, and with this body. */
const judged = (body) => (outcome, id) => {
  const loss = lossOf('ok', outcome, id);
  if (loss !== undefined) return loss;
  const got = outcome.response.body;
  if (got === body) return undefined;
  return got.length === body.length ? 'other bytes than were sent' : `${got.length} bytes of ${body.length}`;
};

/** `ask` gives the path, what to send and how, and the judge of what comes back. */
export const errands = {
  fast: () => ({ path: '/fast', judge: judged('fast') }),

  slow(dice) {
    const ms = between(50, 500, dice);
    return { path: `/slow?ms=${ms}`, judge: judged(`slow ${ms}`) };
  },

  /** 1 MB in a second or so. An answer that comes before it is all sent is none. */
  upload(dice) {
    const size = upload.length / PIECES;
    const pieces = Array.from({ length: PIECES }, (_, at) => upload.slice(at * size, (at + 1) * size));
    return { path: '/upload', length: upload.length, pieces, everyMs: between(30, 60, dice), judge: judged(uploaded) };
  },

  /** 256 KB in a second or so, in either framing. */
  download(dice) {
    const length = 256 * KB;
    const framing = dice() < 0.5 ? 'length' : 'chunked';
    const ms = between(30, 60, dice);
    const path = `/download?bytes=${length}&pieces=${PIECES}&ms=${ms}&framing=${framing}`;
    return { path, judge: judged(download.slice(0, length)) };
  },

  /** 2 MB that the server writes at once and the client reads at leisure: ended long before it is sent. */
  leisure: () => ({
    path: `/download?bytes=${download.length}&pieces=1&ms=0&framing=length`,
    readAfterMs: 300,
    judge: judged(download),
  }),

  /** Fails, and is answered for it. */
  fault: () => ({ path: '/fault', judge: (outcome, id) => lossOf(500, outcome, id) }),
};

/** The bytes of a request's head. */
export const headOf = ({ path, length }, id, kept) =>
  [
    `${length === undefined ? 'GET' : 'POST'} ${path} HTTP/1.1`,
    'Host: localhost',
    `x-echo: ${id}`,
    `x-request-id: ${id}`,
    ...(kept ? [] : ['Connection: close']),
    ...(length === undefined ? [] : ['Content-Type: application/octet-stream', `Content-Length: ${length}`]),
    '',
    '',
  ].join('\r\n');
