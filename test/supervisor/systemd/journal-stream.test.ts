// What the program prints, on its way into the journal under its own name.
import { once } from 'node:events';
import net from 'node:net';
import path from 'node:path';
import test from 'ava';
import { JournalStream } from '../../../supervisor/systemd/journal-stream.js';
import { privateFolder } from '../../support/control.js';

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

test('the header names the program, lines follow at once; without a journal whoever writes is told', async (t) => {
  const file = path.join(privateFolder(t), 'stdout');
  const journal = net.createServer({ allowHalfOpen: true }).listen(file);
  await once(journal, 'listening');
  const stream = new JournalStream('api', file);
  t.teardown(() => stream.close());
  t.false(stream.write('too early\n'), 'it is not connected yet');
  const [socket] = (await once(journal, 'connection')) as [net.Socket];
  // As journald does: it has nothing to say.
  socket.end();
  const header = 'api\n\n6\n1\n0\n0\n0\n';
  t.is(await read(socket, header.length), header);
  t.true(stream.write('<6>one\n'));
  t.is(await read(socket, 7), '<6>one\n');
  socket.destroy();
  await once(socket, 'close');
  journal.close();
  await once(journal, 'close');
  t.false(stream.write('<6>two\n'), 'the journal is gone');
  t.false(stream.write('<6>three\n'));
});

test('a journal that is not there costs nothing', async (t) => {
  const stream = new JournalStream('api', path.join(privateFolder(t), 'nowhere'));
  t.teardown(() => stream.close());
  await new Promise((resolve) => setImmediate(resolve));
  t.false(stream.write('<6>one\n'));
});
