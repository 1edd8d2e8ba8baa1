// What systemd lends and what the operator lists must fit together, or a client waits for ever.
import test from 'ava';
import { compare, matching, nameOfLent } from '../../supervisor/lent.js';
import { listeningPath } from '../../supervisor/systemd/activation.js';

const tcp = (lent: string, port: number, host = '::') =>
  ({ heirloom: { lent, host, place: `port:${port}`, kind: 'stream' } }) as const;

test('a port that is lent on two hosts goes by host, and any other question gets the first', (t) => {
  const [one, other] = [tcp('http', 80, '127.0.0.1'), tcp('http', 80, '::1')];
  t.is(matching([one, other], 'port:80', '::1'), other);
  t.is(matching([one, other], 'port:80', undefined), one);
  t.is(matching([one, other], 'port:81', undefined), undefined);
});

test('a name that is listed and not lent is an error, and so is the other way round', (t) => {
  t.notThrows(() => compare([tcp('http', 80), tcp('http', 81)], [{ inherited: 'http' }]));
  t.notThrows(() => compare([tcp('http', 80)], [{ host: undefined, port: 90 }]), 'no names listed: workers decide');
  t.throws(() => compare([tcp('http', 80)], [{ inherited: 'web' }]), {
    message: /expected a socket of systemd called "web", got "http"\. /,
  });
  t.throws(() => compare([tcp('http', 80), tcp('admin', 81)], [{ inherited: 'http' }]), {
    message: /hands over "admin", which is not listed/,
  });
});

test('a lent socket is named as the operator knows it', (t) => {
  t.is(nameOfLent(tcp('http', 80).heirloom), '[::]:80 (http)');
  t.is(nameOfLent({ lent: 'api', place: 'path:/run/a', path: '/run/a', kind: 'stream' }), '/run/a (api)');
});

test('of the table of unix sockets, only one that listens for streams is taken', (t) => {
  const table = `Num       RefCount Protocol Flags    Type St Inode Path
000000003c4c5d60: 00000002 00000000 00010000 0001 01 110 /run/with space
00000000274d1b4c: 00000002 00000000 00010000 0001 01 114 @abstract
00000000274d1b4d: 00000003 00000000 00000000 0001 03 115 /run/connected
00000000274d1b4e: 00000002 00000000 00000000 0002 01 116 /run/datagrams
`;
  t.deepEqual(
    ['110', '114', '115', '116', '117'].map((inode) => listeningPath(table, inode)),
    ['/run/with space', '\0abstract', undefined, undefined, undefined],
  );
});
