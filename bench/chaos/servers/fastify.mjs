// Fastify with WebSockets. It closes itself in a drain, so that its own close hooks run: when nothing is left, as cordon's
// documents have it, or, with CHAOS_CLOSE=early, at once, while cordon drains.
import { createRequire } from 'node:module';
import fastify from 'fastify';
import { WebSocketServer } from 'ws';
import { stamp } from '../clock.mjs';
import { echo, handle, KEPT_MS } from './routes.mjs';

const early = process.env.CHAOS_CLOSE === 'early';
// Fastify's own answer to whoever comes while it closes is a 503, which no supervisor can take back.
const app = fastify({ keepAliveTimeout: KEPT_MS, return503OnClosing: !early });
app.addHook('onClose', async () => console.log('chaos: closed'));
app.removeAllContentTypeParsers();
app.addContentTypeParser('*', (_request, _body, done) => done(null));
app.get('/fast', (request, reply) => {
  const names = { 'x-pid': process.pid, 'x-release': process.env.CHAOS_RELEASE ?? '0', 'x-at': stamp() };
  if (process.env.CHAOS_SICK !== undefined) {
    reply.hijack();
    return handle(request.raw, reply.raw);
  }
  return reply.headers({ ...names, 'x-echo': request.headers['x-echo'] ?? '' }).send('fast');
});
app.all('/*', ({ raw }, reply) => {
  reply.hijack();
  handle(raw, reply.raw);
});

/** Of the cordon that runs us, which need not be the one that this file lies in. */
async function cordon() {
  try {
    return await import(createRequire(process.env.CHAOS_CORDON).resolve('cordon/worker'));
  } catch {
    return {};
  }
}
const { onDrain, onDrained } = await cordon();
const hear = early ? onDrain : onDrained;
hear?.(() => app.close());
new WebSocketServer({ server: app.server, path: '/ws' }).on('connection', echo);
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
