// An Express server with a bug of every kind. It knows nothing of cordon:
//
//   npx cordon start examples/express/server.mjs -w 2
import cluster from 'node:cluster';
import express from 'express';
import { fail, kinds, ok, slow } from '../failures.mjs';

const port = Number(process.env.PORT ?? 3000);
const app = express();

app.get('/', (_request, response) => {
  const seen = { 500: 'a 500', broken: 'a broken answer', root: 'a whole answer' };
  const failures = Object.entries(kinds).map(([kind, { says, expected, framework, request = 'GET' }]) => {
    const end = framework ? 'Express catches it and answers by itself' : `${seen[expected]}, and a new worker`;
    const body = request === 'POST' || request === 'half' ? `; needs a body: <code>curl -d text</code>` : '';
    return `<li><a href="/fail/${kind}">/fail/${kind}</a> ${says}: ${end}${body}`;
  });
  response.type('html').send(`<!doctype html><title>An Express server with bugs</title>
<h1>An Express server with bugs</h1>
<p>Process ${process.pid} answered. Start <a href="/slow?ms=10000">a slow request</a>, fail in as many ways as you like
meanwhile, and see that it is answered all the same.
<ul>
<li><a href="/ok">/ok</a> answers
<li><a href="/slow?ms=10000">/slow?ms=10000</a> answers after 10 s
${failures.join('\n')}
</ul>`);
});
app.get('/ok', (request, response) => ok(request, response));
app.get('/slow', slow);
app.all('/fail/:kind', (request, response) => fail(request.params.kind, request, response));

app.listen(port, (error) => {
  if (error) throw error;
  // Every worker runs this file, and so do their successors: the first says it for all.
  if (cluster.isWorker && cluster.worker.id !== 1) return;
  console.log(`Try it: http://localhost:${port}/ lists every way to fail, or in another terminal:

  curl -i 'localhost:${port}/slow?ms=10000' &   a slow request, while …
  curl -i localhost:${port}/fail/timer          … another one throws: a 500 for it alone,
                                                and a new worker in this log
`);
});
