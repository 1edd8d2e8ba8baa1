// A client of one WebSocket, by hand: it sends, expects the same back, and knows how the connection ended: by a close frame and
// with which code, or without one. It opens another when the server has closed.
import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { closing, codeOf, frame, framesIn, Opcode } from './frames.mjs';

const EVERY_MS = 200;
/** Going away, and service restart: what a client may take as an order to come again. */
const PROPER = [1001, 1012];

export async function talker({ name, group, host, port, referee, more, over, patienceMs = 10_000 }) {
  for (let number = 0; more(); number++) {
    const id = `${name}-${number}`;
    const socket = connect({ host, port, noDelay: true, allowHalfOpen: true });
    const connection = { uses: 1, begunAt: performance.now(), localPort: undefined };
    socket.once('connect', () => (connection.localPort = socket.localPort));
    referee.opened(group, name);
    const ticket = referee.begin('websocket', { client: name, id, path: '/ws', connection });
    const { code, why, unanswered } = await talk(socket, id, { over, patienceMs });
    const loss = why ?? (code === 'left' || PROPER.includes(code) ? undefined : `close code ${code}`);
    if (loss === undefined) referee.ended(`WebSocket ${code === 'left' ? 'left by the client' : `closed ${code}`}`);
    for (let i = 0; i < unanswered; i++) referee.ended('message unanswered when its WebSocket ended');
    referee.settle(ticket, loss, { endless: true });
    if (loss === undefined) continue;
    if (referee.stopping) break;
    await sleep(50);
  }
}

/** Resolves to the code of the server's close frame, `left` where we closed, or to why there was none. */
function talk(socket, id, { over, patienceMs }) {
  return new Promise((resolve) => {
    const key = randomBytes(16).toString('base64');
    let bytes = Buffer.alloc(0);
    let open = false;
    let leaving = false;
    let sent = 0;
    let echoed = 0;
    let code;
    let timer;
    let silence;

    const finish = (outcome) => {
      clearInterval(timer);
      clearTimeout(silence);
      socket.destroy();
      resolve({ unanswered: sent - echoed, ...outcome });
    };
    const watch = () => {
      clearTimeout(silence);
      silence = setTimeout(() => finish({ why: 'silent' }), patienceMs);
    };
    const gone = (how) => {
      if (leaving && code !== undefined) return finish({ code: 'left' });
      const inOrder = how === 'ended' || how === 'closed';
      if (code !== undefined) return finish(inOrder ? { code } : { why: `${how} after close code ${code}` });
      finish({ why: `${how} ${open ? 'without a close frame' : 'before it was open'}` });
    };

    function opened() {
      open = true;
      timer = setInterval(() => {
        if (code !== undefined || leaving) return;
        sent += 1;
        socket.write(frame(Opcode.text, `${id}/${sent}`));
      }, EVERY_MS);
      over.then(() => leave());
    }

    function leave() {
      leaving = true;
      if (code === undefined && !socket.destroyed) socket.write(closing(1000));
    }

    const takes = {
      [Opcode.text]: (payload) => {
        echoed += 1;
        if (String(payload) !== `${id}/${echoed}`) finish({ why: `message ${echoed} is not the next one` });
      },
      [Opcode.ping]: (payload) => socket.write(frame(Opcode.pong, payload)),
      [Opcode.close]: (payload) => {
        code = codeOf(payload);
        if (!leaving) socket.write(frame(Opcode.close, payload.subarray(0, 2)));
      },
    };

    socket.on('data', (chunk) => {
      watch();
      bytes = Buffer.concat([bytes, chunk]);
      try {
        if (!open) {
          const end = bytes.indexOf('\r\n\r\n');
          if (end < 0) return;
          const refusal = refused(bytes.subarray(0, end).toString('latin1'), key);
          if (refusal !== undefined) return finish({ why: refusal });
          bytes = bytes.subarray(end + 4);
          opened();
        }
        const { frames, rest } = framesIn(bytes);
        bytes = rest;
        for (const { opcode, payload } of frames) takes[opcode]?.(payload);
      } catch (error) {
        finish({ why: error.message });
      }
    });
    socket.on('end', () => {
      // To a reader that is late a reset looks like an end in order; to a writer it does not.
      socket.write(frame(Opcode.pong, ''), (error) => gone(error ? 'reset' : 'ended'));
    });
    socket.on('error', (error) => gone(error.syscall === 'connect' ? `connect ${error.code}` : error.code));
    socket.on('close', () => gone('closed'));
    watch();
    socket.write(
      `GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
    );
  });
}

function refused(head, key) {
  const status = /^HTTP\/1\.1 (\d{3})/.exec(head)?.[1];
  if (status !== '101') return `handshake answered ${status ?? 'with no HTTP'}`;
  const proof = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  return head.includes(proof) ? undefined : 'handshake of another';
}
