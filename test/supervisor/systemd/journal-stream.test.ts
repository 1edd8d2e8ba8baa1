// What the program prints, on its way into the journal under its own name.
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { JournalStream } from '../../../supervisor/systemd/journal-stream.js';
import { privateFolder } from '../../support/control.js';
import { until } from '../../support/until.js';

/** So many characters. */
function read(socket: net.Socket, length: number): Promise<string> {
  let text = '';
  return new Promise((resolve) => {
    const hear = (part: Buffer): void => {
      text += part.toString();
      if (text.length < length) return;
      socket.removeListener('data', hear);
      resolve(text);
    };
    socket.on('data', hear);
  });
}

function stream(t: ExecutionContext, file: string) {
  const elsewhere: string[] = [];
  const otherwise = {
    write(piece: Buffer, taken: () => void): void {
      elsewhere.push(String(piece));
      taken();
    },
    writeLast: (rest: Buffer): void => void elsewhere.push(String(rest)),
    end() {},
  };
  const one = new JournalStream('api', otherwise, file);
  t.teardown(() => one.end());
  const write = (text: string): Promise<void> => new Promise((taken) => one.write(Buffer.from(text), taken));
  return { one, elsewhere, write };
}

test('the header names the program, lines follow; without a journal they go where they went before', async (t) => {
  const file = path.join(privateFolder(t), 'stdout');
  const journal = net.createServer({ allowHalfOpen: true }).listen(file);
  await once(journal, 'listening');
  const { one, elsewhere, write } = stream(t, file);
  await write('too early\n');
  t.deepEqual(elsewhere, ['too early\n']);
  const [socket] = (await once(journal, 'connection')) as [net.Socket];
  // As journald does: it has nothing to say.
  socket.end();
  const header = 'api\n\n6\n1\n0\n0\n0\n';
  t.is(await read(socket, header.length), header);
  const next = read(socket, 14);
  await write('<6>one\n');
  one.writeLast(Buffer.from('<6>two\n'));
  t.is(await next, '<6>one\n<6>two\n');
  socket.destroy();
  journal.close();
  await once(journal, 'close');
  await until('what is written goes elsewhere', async () => {
    await write('<6>three\n');
    return elsewhere.length > 1;
  });
  t.is(elsewhere.at(-1), '<6>three\n', 'the journal is gone');
});

test('a journal that is not there costs nothing', async (t) => {
  const { elsewhere, write } = stream(t, path.join(privateFolder(t), 'nowhere'));
  await new Promise((resolve) => setImmediate(resolve));
  await write('<6>one\n');
  t.deepEqual(elsewhere, ['<6>one\n']);
});
