// WebSocket frames (RFC 6455), as far as a client of short messages needs them.
import { randomBytes } from 'node:crypto';

export const Opcode = { text: 1, close: 8, ping: 9, pong: 10 };

/** A whole message of a client's, masked; at most 125 bytes. */
export function frame(opcode, payload) {
  const bytes = Buffer.from(payload);
  if (bytes.length > 125) throw new RangeError('a frame of ours has at most 125 bytes');
  const mask = randomBytes(4);
  const masked = bytes.map((byte, at) => byte ^ mask[at % 4]);
  return Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | bytes.length]), mask, masked]);
}

/** The whole frames at the head of `bytes`, and what is left. */
export function framesIn(bytes) {
  const frames = [];
  for (let at = 0; ; ) {
    if (bytes.length < at + 2) return { frames, rest: bytes.subarray(at) };
    let length = bytes[at + 1] & 0x7f;
    let head = 2;
    if (length === 127) throw new Error('a frame that is too long');
    if (length === 126) {
      if (bytes.length < at + 4) return { frames, rest: bytes.subarray(at) };
      length = bytes.readUInt16BE(at + 2);
      head = 4;
    }
    if (bytes[at + 1] & 0x80) throw new Error('a masked frame from a server');
    if (bytes.length < at + head + length) return { frames, rest: bytes.subarray(at) };
    frames.push({ opcode: bytes[at] & 0x0f, payload: bytes.subarray(at + head, at + head + length) });
    at += head + length;
  }
}

export const closing = (code) => frame(Opcode.close, [code >> 8, code & 0xff]);
/** 1005 is what the standard calls a close frame without a code. */
export const codeOf = (payload) => (payload.length >= 2 ? payload.readUInt16BE(0) : 1005);
