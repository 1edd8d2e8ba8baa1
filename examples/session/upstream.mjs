// The services behind: two that work, one that breaks off, one that answers nonsense, and one that takes for ever.
import { once } from 'node:events';
import { createServer } from 'node:http';

const answers = {
  '/product': (response) => response.end('{"name":"lamp"}'),
  '/price': (response) => setTimeout(() => response.end('{"cents":1999}'), 20),
  '/reviews': (response) => response.end('<h1>down for maintenance</h1>'),
  '/stock': (response) => response.destroy(),
  '/recommendations': () => {},
};

export async function startUpstream() {
  const server = createServer((request, response) => answers[request.url]?.(response));
  server.listen(0);
  await once(server, 'listening');
  return { port: server.address().port };
}
