// Programs that would, by what they do themselves, cost innocent requests.
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import test from 'ava';
import { fixture, startFleet } from '../support/fleet.js';
import { until } from '../support/until.js';

interface Answer {
  readonly status: number | undefined;
  readonly connection: string | undefined;
}

const get = (port: number, path: string, agent: http.Agent | false = false): Promise<Answer> =>
  new Promise((resolve, reject) => {
    http
      .get({ port, host: '127.0.0.1', path, agent }, (response) => {
        response.resume().on('end', () => {
          resolve({ status: response.statusCode, connection: response.headers.connection });
        });
      })
      .on('error', reject);
  });

const stubborn = fixture('servers/stubborn.cjs');

test('an error listener that closes the server, and throws, costs nobody an answer', async (t) => {
  const fleet = startFleet(t, [stubborn, '-w', '1']);
  const port = await fleet.port();
  await fleet.ready();
  const slow = get(port, '/slow');
  await get(port, '/');
  t.is((await get(port, '/fail')).status, 500);
  // Until the successor listens, clients wait.
  t.is((await get(port, '/')).status, 200);
  t.is((await slow).status, 200);
});

test('a response that can no longer be written to is broken off, so that its client does not wait', async (t) => {
  const fleet = startFleet(t, [stubborn, '-w', '1']);
  const port = await fleet.port();
  await fleet.ready();
  const slow = get(port, '/slow');
  await get(port, '/');
  await t.throwsAsync(get(port, '/frozen'), { code: 'ECONNRESET' });
  t.is((await slow).status, 200);
});

test("a draining worker's answer is the last on its connection, whatever header the program sets", async (t) => {
  const fleet = startFleet(t, [stubborn, '-w', '1']);
  const port = await fleet.port();
  await fleet.ready();
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  t.teardown(() => agent.destroy());
  t.is((await get(port, '/', agent)).connection, 'keep-alive');
  fleet.child.kill('SIGTERM');
  await fleet.line(/^worker 1 drains/);
  const last = await until('an answer that is the last', async () => {
    const answer = await get(port, '/', agent);
    return answer.connection !== 'keep-alive' && answer;
  });
  t.is(last.connection, 'close');
  t.is(await fleet.ended, 0);
});

test('pipelined requests whose client has gone hold up no drain', async (t) => {
  const fleet = startFleet(t, [stubborn, '-w', '1', '--stop-timeout', '20s']);
  const port = await fleet.port();
  await fleet.ready();
  const client = net.connect(port, '127.0.0.1');
  client.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(client, 'connect');
  // What came in before has been read when this is answered.
  await get(port, '/slow');
  client.destroy();
  await once(client, 'close');
  t.is(await fleet.stop(), 0);
  t.false(fleet.lines.some(({ msg }) => msg.includes('out of time')));
});
