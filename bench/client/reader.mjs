// Reads one HTTP/1.1 response at a time from the bytes of a connection, strictly: what is not whole is not an answer.

/** Reads `text` from `at` and gives back the body and where it ends, or nothing while it is not whole. */
const bodies = {
  none: (_text, at) => ({ body: '', end: at }),
  length(text, at, length) {
    return text.length - at < length ? undefined : { body: text.slice(at, at + length), end: at + length };
  },
  chunked(text, begin) {
    let body = '';
    for (let at = begin; ; ) {
      const line = text.indexOf('\r\n', at);
      if (line === -1) return undefined;
      const size = /^[0-9a-f]+/i.exec(text.slice(at, line))?.[0];
      if (size === undefined) throw new Error('malformed chunk');
      const length = Number.parseInt(size, 16);
      if (text.length < line + 2 + length + 2) return undefined;
      if (length === 0) return { body, end: line + 4 };
      body += text.slice(line + 2, line + 2 + length);
      at = line + 2 + length + 2;
      if (text.slice(at - 2, at) !== '\r\n') throw new Error('malformed chunk');
    }
  },
  untilClose: () => undefined,
};

export class Reader {
  #text = '';
  #head;
  #bodyAt = 0;

  /** The head, where it is here already. */
  get head() {
    return this.#head;
  }

  /** Whether anything of the answer has come. */
  get begun() {
    return this.#text.length > 0;
  }

  /** Takes bytes in; returns the response once it is whole. Throws where this is no HTTP. */
  take(chunk) {
    this.#text += chunk.toString('latin1');
    while (this.#head === undefined) {
      const end = this.#text.indexOf('\r\n\r\n');
      if (end === -1) return undefined;
      const head = parseHead(this.#text.slice(0, end));
      this.#bodyAt = end + 4;
      if (head.status >= 200) this.#head = head;
      else this.#text = this.#text.slice(this.#bodyAt); // 100 Continue and its like: the answer is yet to come
    }
    const read = bodies[this.#head.framing](this.#text, this.#bodyAt, this.#head.length);
    if (read === undefined) return undefined;
    if (read.end < this.#text.length) throw new Error('bytes after the answer');
    return { ...this.#head, body: read.body };
  }

  /** The connection has ended cleanly: an answer that only the end ends is whole now. */
  end() {
    if (this.#head?.framing !== 'untilClose') return undefined;
    return { ...this.#head, body: this.#text.slice(this.#bodyAt) };
  }
}

function parseHead(text) {
  const [first, ...lines] = text.split('\r\n');
  const [, version, status] = /^HTTP\/(1\.[01]) (\d{3})(?: |$)/.exec(first) ?? [];
  if (status === undefined) throw new Error('malformed status line');
  const headers = new Map();
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon < 1) throw new Error('malformed header');
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  const connection = headers.get('connection')?.toLowerCase();
  const close = version === '1.0' ? connection !== 'keep-alive' : connection === 'close';
  return { status: Number(status), headers, ...framing(Number(status), headers), close };
}

function framing(status, headers) {
  if (status === 204 || status === 304) return { framing: 'none' };
  if (headers.get('transfer-encoding')?.toLowerCase() === 'chunked') return { framing: 'chunked' };
  const length = headers.get('content-length');
  if (length === undefined) return { framing: 'untilClose' };
  if (!/^\d+$/.test(length)) throw new Error('malformed length');
  return { framing: 'length', length: Number(length) };
}
