// The error handlers that docs/errors.md shows, taken from there and run in their frameworks.
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import test from 'ava';
import type { ErrorReply, ErrorsReply } from '../../supervisor/control/protocol.js';
import { ask as get } from '../support/client.js';
import { ask } from '../support/cordon.js';
import { root, startFleet } from '../support/fleet.js';
import { workersOf } from '../support/processes.js';

const [plain = '', express = '', fastify = '', koa = ''] = [
  ...(readFileSync(`${root}docs/errors.md`, 'utf8').split('## Errors that you handle')[1] ?? '').matchAll(
    /^```js\n(.*?)^```$/gms,
  ),
].map(([, code = '']) => code);

/** Where a program outside of this repository finds what it imports. */
const program = (): string => `
import express from ${JSON.stringify(import.meta.resolve('express'))};
import fastify from ${JSON.stringify(import.meta.resolve('fastify'))};
import Koa from ${JSON.stringify(import.meta.resolve('koa'))};
${plain.split('\n')[0]?.replace("'cordon/worker'", JSON.stringify(pathToFileURL(`${root}dist/worker/index.js`).href))}
const fail = (what, more) => { throw Object.assign(new Error(what + ' failed'), more); };
const ports = [];
const listening = (server) => ports.push(server.address().port);
{
  const app = express();
  app.get('/fail', () => fail('express'));
  app.get('/plain', (request, response) => {
    const error = new Error('plain failed');
    ${plain.split('\n').slice(1).join('\n')}
    response.end('ok');
  });
  ${express}
  await new Promise((done) => { const server = app.listen(0, () => { listening(server); done(); }); });
}
{
  const app = fastify();
  app.get('/fail', async () => fail('fastify'));
  app.get('/wrong', async () => fail('client', { statusCode: 400 }));
  ${fastify}
  await app.listen({ port: 0 });
  listening(app.server);
}
{
  const app = new Koa();
  app.use(() => fail('koa'));
  ${koa}
  await new Promise((done) => { const server = app.listen(0, () => { listening(server); done(); }); });
}
console.log('ports ' + ports.join(' '));
`;

test('the error handlers of docs/errors.md answer, and write what they have handled into the book; the worker goes on', async (t) => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'cordon-')));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const script = join(folder, 'shop.mjs');
  writeFileSync(script, program());
  const fleet = startFleet(t, [script, '-w', '1']);
  const { msg } = await fleet.line(/^ports /);
  const [first = 0, second = 0, third = 0] = msg.split(' ').slice(1).map(Number);
  await fleet.ready();
  const workers = workersOf(fleet);
  for (const [port, path, status] of [
    [first, '/fail', 500],
    [first, '/plain', 200],
    [second, '/fail', 500],
    [second, '/wrong', 400],
    [third, '/fail', 500],
  ] as const)
    t.like(await get(t, { port }, path), { became: 'answered', status }, `${port}${path}`);
  for (const what of ['express', 'plain', 'fastify', 'koa'])
    await fleet.line(new RegExp(`^Error: ${what} failed – GET /(?:fail|plain) `));
  const { incidents } = await ask<ErrorsReply>(t, fleet, ['errors']);
  t.deepEqual(incidents.map(({ message }) => message).toSorted(), [
    'express failed',
    'fastify failed',
    'koa failed',
    'plain failed',
  ]);
  t.true(incidents.every(({ count, handled }) => count === 1 && handled === 1));
  const contextOf = async (what: string): Promise<unknown> => {
    const { id = '' } = incidents.find(({ message }) => message === `${what} failed`) ?? {};
    return (await ask<ErrorReply>(t, fleet, ['errors', 'show', id])).first.context;
  };
  t.deepEqual(await contextOf('plain'), { order: 7 });
  t.deepEqual(await contextOf('fastify'), { route: '/fail' });
  t.deepEqual(workersOf(fleet), workers, 'no worker was replaced');
  t.is(await fleet.stop(), 0);
});
