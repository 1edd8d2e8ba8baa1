// Answers each request by calls to several services at once, in one session, merged into one response. A call that fails,
// however it fails, becomes part of the answer; so does one that takes too long.
//
//   node examples/session/server.mjs
//   curl localhost:8080/offer
import { createServer, get } from 'node:http';
import { Domain, Session } from 'cordon/domain';
import { startUpstream } from './upstream.mjs';

const upstream = await startUpstream();
const parts = ['product', 'price', 'reviews', 'stock', 'recommendations'];

/** A call in the style of callbacks: what it throws, at once or in a callback, and what goes wrong below, ends it. */
function call(part, done, signal) {
  const request = get({ port: upstream.port, path: `/${part}` }, (response) => {
    let text = '';
    response.setEncoding('utf8');
    response.on('data', (chunk) => {
      text += chunk;
    });
    // Some of these services answer with something that is no JSON. Nobody catches that here; nobody has to.
    response.on('end', () => done(JSON.parse(text)));
  });
  // Not as an option of the request: Node would then listen to its 'error' itself, and nobody would hear of it.
  signal.addEventListener('abort', () => request.destroy());
}

function offer(response) {
  const session = new Session({ limit: 2000 });
  for (const part of parts) session.add((done, signal) => call(part, done, signal), part);
  session.close(({ outcomes }) => {
    const merged = outcomes.map(({ name, status, result, error }) =>
      status === 'done' ? [name, result] : [name, { failed: error.name, because: error.message }],
    );
    response.setHeader('content-type', 'application/json');
    response.end(`${JSON.stringify(Object.fromEntries(merged), null, 2)}\n`);
  });
}

const server = createServer((request, response) => {
  const domain = new Domain();
  domain.add(request);
  domain.add(response);
  // Only what goes wrong outside the calls ends up here: the request cannot be answered at all.
  domain.on('error', (error) => {
    console.error(error);
    response.writeHead(500).end();
  });
  domain.run(offer, response);
});

server.listen(process.env.PORT ?? 8080, () => console.log(`listening on ${server.address().port}`));
