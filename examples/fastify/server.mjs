// A Fastify server with a bug of every kind. It knows nothing of cordon:
//
//   npx cordon start examples/fastify/server.mjs -w 2
import cluster from 'node:cluster';
import fastify from 'fastify';
import { fail, kinds, ok, slow } from '../failures.mjs';

const port = Number(process.env.PORT ?? 3000);
const app = fastify();

// The routes below write their answers, and read their bodies, by themselves.
app.removeAllContentTypeParsers();
app.addContentTypeParser('*', (_request, _body, done) => done(null));

app.get('/', async (_request, reply) => {
  reply.type('application/json');
  return {
    process: process.pid,
    try: ['/ok', '/slow?ms=10000', ...Object.keys(kinds).map((kind) => `/fail/${kind}`)],
    failures: Object.fromEntries(
      Object.entries(kinds).map(([kind, { says, expected, request }]) => [kind, { says, expected, request }]),
    ),
  };
});
app.get('/ok', ({ raw }, reply) => ok(raw, reply.raw));
app.get('/slow', ({ raw }, reply) => slow(raw, reply.raw));
app.all('/fail/:kind', ({ raw, params }, reply) => fail(params.kind, raw, reply.raw));

await app.listen({ port, host: '::' });
// Every worker runs this file, and so do their successors: the first says it for all.
if (cluster.isPrimary || cluster.worker.id === 1) {
  console.log(`Try it:

  curl localhost:${port}/                       every way to fail
  curl -i 'localhost:${port}/slow?ms=10000' &   a slow request, while …
  curl -i localhost:${port}/fail/timer          … another one throws: a 500 for it alone,
                                                and a new worker in this log
`);
}
